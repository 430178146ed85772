import type { SessionRecord } from "../../codec.ts";
import { CLOCK_SKEW_MS } from "../../state/lifetime.ts";
import type { SessionState } from "../../state/session-state.ts";
import type { StoredSession } from "../../store.ts";
import { ROTATION_GRACE_MS } from "../revocations/local.ts";
import type { StoreContext } from "./parts.ts";
import { ended, endOf } from "./tombstone.ts";

/** What a commit goes out from. */
export interface CommitBase {
  /** Null for a session that is over: what begins after it carries nothing on. */
  readonly record: SessionRecord | null;
  /** The row to change or to end; null for a session that has none yet, or none any more. */
  readonly row: StoredSession | null;
  /** The row is not there yet: a tombstone in its place keeps it from being created. */
  readonly isUnborn?: boolean;
}

/** What one request may still do when the session that it came with has changed, or has become another. */
export class LateRequest {
  readonly #context: StoreContext;
  readonly #openedAt: number;

  constructor(context: StoreContext) {
    this.#context = context;
    this.#openedAt = context.parts.now();
  }

  /** Whether a tombstone may have come and gone while the request was under way. */
  get isSlow(): boolean {
    return this.#context.parts.now() - this.#openedAt >= ROTATION_GRACE_MS - CLOCK_SKEW_MS;
  }

  /** What this request may go on from, now that the session's row is this; null when it comes too late. */
  async groundIn(state: SessionState, row: StoredSession | null): Promise<CommitBase | null> {
    if (row === null) return this.#mayBeginAnew(state) ? { record: null, row: null } : null;
    const end = endOf(row);
    if (end === null) {
      const record = this.#context.recordOf(row);
      return record === null ? null : { record, row };
    }
    if (state.isLogin) return this.#placeFor(state, row);
    return end.how === "revoked" && end.next === null && state.ending === "ended" ? { record: null, row } : null;
  }

  /** A sign-out that finds its session, of this id, rotated meanwhile means the heir. */
  async signOut(state: SessionState, opened: SessionRecord | null, id: string): Promise<void> {
    const { line, parts } = this.#context;
    const foreign = state.loaded.isTakenOver && opened !== null ? await parts.revocations.ending(opened) : null;
    const next = foreign?.next;
    await line.end(next ?? id, ended, next !== undefined);
    if (opened !== null && opened.userId !== null) await this.#endFamily(opened, opened.userId);
  }

  /** A row that is gone was no late one's tombstone if there was no time for that to expire: then it expired itself. */
  #mayBeginAnew(state: SessionState): boolean {
    return (state.isLogin || state.ending === "ended") && !this.isSlow && !state.loaded.isTakenOver;
  }

  /**
   * A sign-in proves anew who is there: it takes the place of what the session has become, so that one is left of two
   * sign-ins. Not of somebody else's, and not after a sign-out that this request did not know of.
   */
  async #placeFor(state: SessionState, from: StoredSession): Promise<CommitBase | null> {
    const { last: row, isHeir, unborn } = await this.#context.line.lastOf(from);
    const end = endOf(row);
    const { record } = state.loaded;
    if (end === null) {
      const isOwn = isHeir || row.userId === null || row.userId === state.record.userId;
      return isOwn ? { record, row } : null;
    }
    if (end.how === "ended" && record !== null) return null;
    return {
      record: end.how === "replaced" ? record : null,
      row: unborn === null ? row : { ...row, id: unborn },
      isUnborn: unborn !== null,
    };
  }

  /** For one that was under way for longer than a tombstone lasts: the heirs are known by their family. */
  async #endFamily(opened: SessionRecord, userId: string): Promise<void> {
    if (!this.isSlow) return;
    const { store, revocations } = this.#context.parts;
    await revocations.end(opened, null);
    const family = opened.family ?? opened.id;
    for (const row of await store.list(userId)) {
      if (this.#context.recordOf(row)?.family === family) await this.#context.line.end(row.id, ended);
    }
  }
}
