import type { CookieReader, SessionRecord } from "../../codec.ts";
import type { KeyRing } from "../../crypto/keys.ts";
import { isTimeout } from "../../errors.ts";
import { openRow } from "../../formats/row-data.ts";
import type { SessionRules } from "../../state/session-state.ts";
import type { StoredSession } from "../../store.ts";
import type { KeyedQueue } from "../../util/keyed-queue.ts";
import type { Moments } from "../../util/moment.ts";
import { backoff } from "../../util/retry.ts";
import { identityOf } from "../backend.ts";
import type { EndReason, SessionIdentity } from "../decision.ts";
import type { UserRevocations } from "../revocations/users.ts";
import type { GuardedStore } from "./guarded-store.ts";
import type { LegacySessions } from "./legacy.ts";
import { endOf, tombstoneOf } from "./tombstone.ts";

/** What the store's backend and its handles share. */
export interface StoreContext {
  readonly store: GuardedStore;
  readonly keys: KeyRing;
  /** For its clocks: the limits are the same wherever a session lives. */
  readonly reader: CookieReader;
  readonly rules: SessionRules;
  readonly legacy: LegacySessions;
  readonly users: UserRevocations;
  /** One commit at a time for each session in this process; the store settles what other processes do. */
  readonly queue: KeyedQueue;
  readonly now: () => number;
  readonly moments: Moments;
  readonly longestLifetimeMs: number;
}

/** A row and what it stands for. */
export interface FoundSession {
  /** Null for a session that came in an older format, and has none yet. */
  readonly row: StoredSession | null;
  /** Null for one that is over, or whose secret is no longer in use. */
  readonly record: SessionRecord | null;
  readonly identity: SessionIdentity;
}

/** Null for no row, and for one whose secret is no longer in use. */
export function sessionIn(row: StoredSession | null, context: StoreContext): FoundSession | null {
  if (row === null) return null;
  const end = endOf(row);
  if (end !== null) {
    const identity = { generation: 0, since: 0, signInId: 0, userId: null, end, changedAt: row.lastSeenAt };
    return { row, record: null, identity };
  }
  const record = openRow(row, context.keys, context.now(), context.longestLifetimeMs);
  return record && { row, record, identity: identityOf(record) };
}

/**
 * Puts a tombstone in the row's place; false when it is no longer what is there. On an engine that is full, and takes no
 * write but a removal, the row goes: that ends the session as well, where no cookie of an older format would begin it anew.
 */
export async function endRow(row: StoredSession, end: EndReason, context: StoreContext): Promise<boolean> {
  const { store, now, legacy } = context;
  const until = mayHaveMoved(row, context) ? legacy.until : 0;
  try {
    return await store.replace(tombstoneOf(row, end, now(), until), row.version);
  } catch (error) {
    // One that gives no answer is not full, and would be waited for once more.
    if (isTimeout(error) || until !== 0) throw error;
    await store.delete(row.id).catch(() => {
      throw error;
    });
    return true;
  }
}

/** Whether a cookie of an older format might open this row's session, but for the row. */
function mayHaveMoved(row: StoredSession, context: StoreContext): boolean {
  if (context.legacy.until === 0) return false;
  try {
    const found = sessionIn(row, context);
    return !found?.record || found.record.isMoved === true;
  } catch {
    // Whoever has no secret, or a row that does not open, ends it all the same.
    return true;
  }
}

/** Puts a tombstone where no row is, so that nobody who is under way makes one; false when there is a row. */
export async function endWithoutRow(id: string, end: EndReason, context: StoreContext): Promise<boolean> {
  const { store, now, legacy } = context;
  try {
    await store.create(tombstoneOf({ id, version: 0, createdAt: now() }, end, now(), legacy.until));
    return true;
  } catch (error) {
    if ((await store.read(id)) === null) throw error;
    return false;
  }
}

/** Ends the session with this id, however often others are faster, if `mayEnd` has nothing against it. False for none. */
export async function endSession(
  id: string,
  end: EndReason,
  context: StoreContext,
  mayEnd: (record: SessionRecord) => boolean,
): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const found = sessionIn(await context.store.read(id), context);
    if (!found?.row || !found.record || !mayEnd(found.record)) return false;
    if (await endRow(found.row, end, context)) return true;
    await backoff(tries);
  }
}
