import type { StoredSession } from "../../store.ts";
import { ROTATION_GRACE_MS } from "../revocations/local.ts";

/** How a session ended. */
export interface End {
  /**
   * "replaced": another one began in its place. "ended": by its own browser, which was told of it. "revoked": from elsewhere,
   * so that its browser still has the cookie.
   */
  readonly how: "replaced" | "ended" | "revoked";
  /**
   * The session that began in its place. Whoever brings the old cookie is never led there: it is followed to end the one
   * with the other, and by a new sign-in, which then takes its place.
   */
  readonly next: string | null;
  /** Whether `next` is the same session under a new id: then it ends with this one. */
  readonly isHeir: boolean;
}

export const ended: End = { how: "ended", next: null, isHeir: false };
export const revoked: End = { how: "revoked", next: null, isHeir: false };

/**
 * The row that takes the place of one that ends, for long enough that late requests find it. No data and no user: nobody
 * lists it, and who still holds the old cookie learns nothing. What followed is in `device`, the one place for text.
 */
export function tombstoneOf(row: StoredSession, end: End, now: number): StoredSession {
  return {
    id: row.id,
    version: row.version + 1,
    userId: null,
    device: end.next === null ? end.how : `${end.how} ${end.isHeir ? "heir" : "next"} ${end.next}`,
    createdAt: row.createdAt,
    lastSeenAt: now,
    expiresAt: now + ROTATION_GRACE_MS,
    data: null,
  };
}

/** Null for no row, and for one that is no tombstone. */
export function endOf(row: StoredSession | null): End | null {
  if (row === null || row.data !== null) return null;
  const [how, kind, next = null] = (row.device ?? "").split(" ");
  return { how: how === "revoked" || how === "replaced" ? how : "ended", next, isHeir: kind === "heir" };
}

/**
 * Whether the session ended just now, and its browser was told, or given the cookie of an heir: then what comes with its own
 * is late, not new. A revoke that failed half-way may have left that heir, and a sign-out has to find it.
 */
export function isLate(row: StoredSession, now: number): boolean {
  const end = endOf(row);
  return end !== null && (end.how !== "revoked" || end.next !== null) && now - row.lastSeenAt < ROTATION_GRACE_MS;
}
