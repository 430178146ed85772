import type { StoredSession } from "../../src/store.ts";

/** A session that lives until 1,000,000, with `parts` in place of its own. */
export function storedSession(parts: Partial<StoredSession> = {}): StoredSession {
  return {
    id: "id",
    version: 1,
    userId: null,
    device: null,
    createdAt: 0,
    lastSeenAt: 0,
    expiresAt: 1_000_000,
    data: new Uint8Array([1, 2, 3]),
    ...parts,
  };
}
