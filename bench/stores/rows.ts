import { createHash } from "node:crypto";
import type { StoredSession } from "flagon";

export const HOUR_MS = 3_600_000;
/** When the sessions of a bench were made; its clock stands there until it is moved. */
export const START = 1_790_000_000_000;
/** What a sealed session of an ordinary app takes: some 330 bytes of JSON, and the seal. */
export const DATA_BYTES = 400;

/** The id of row `n`, as scattered as a random one, and made in the same way by PostgreSQL. */
export function idOf(n: number): string {
  return createHash("sha256").update(String(n)).digest("base64url").slice(0, 22);
}

/** Two of three are signed in, to three devices each; one of ten ends after an hour, the others after 30 days. */
export function rowOf(n: number): StoredSession {
  return {
    id: idOf(n),
    version: 1,
    userId: n % 3 === 0 ? null : `user-${Math.floor(n / 9)}`,
    device: n % 3 === 0 ? null : "Firefox on Linux",
    createdAt: START,
    lastSeenAt: START + n,
    expiresAt: expiryOf(n),
    data: Buffer.from(
      createHash("md5")
        .update(String(n))
        .digest("hex")
        .repeat(DATA_BYTES / 16),
      "hex",
    ),
  };
}

export function expiryOf(n: number): number {
  return START + (n % 10 === 0 ? HOUR_MS : 720 * HOUR_MS);
}
