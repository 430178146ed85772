import type { StoredSession } from "../../store.ts";
import { type EndReason, ROTATION_GRACE_MS } from "../decision.ts";

/**
 * The row that takes the place of one that ends, so that late requests find the end of a session and not a stranger. No data
 * and no user: nobody lists it, and who still holds a cookie learns nothing. How it ended is in `device`, the one place for text.
 * It stays for as long as a request may be late, and until `until` where an older format's cookie would open the session again.
 */
export function tombstoneOf(
  row: Pick<StoredSession, "id" | "version" | "createdAt">,
  end: EndReason,
  now: number,
  until = 0,
): StoredSession {
  const { id, version, createdAt } = row;
  return {
    id,
    version: version + 1,
    userId: null,
    device: end,
    createdAt,
    lastSeenAt: now,
    expiresAt: Math.max(now + ROTATION_GRACE_MS, until),
    data: null,
  };
}

/** Null for a row that lives. */
export function endOf(row: StoredSession): EndReason | null {
  if (row.data !== null) return null;
  return row.device === "revoked" ? "revoked" : "ended";
}
