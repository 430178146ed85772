import type { SessionRecord } from "../../codec.ts";
import { SessionError } from "../../errors.ts";
import { emit } from "../../events.ts";
import type { Cookie } from "../../http/cookie.ts";
import { conflictingKeys, rebase, withoutData } from "../../state/rebase.ts";
import type { LoadedSession, SessionHandle, SessionState } from "../../state/session-state.ts";
import type { StoredSession } from "../../store.ts";
import { backoff } from "../../util/retry.ts";
import { type CommitBase, LateRequest } from "./late-request.ts";
import type { StoreContext } from "./parts.ts";
import { RowWriter } from "./rows.ts";
import { type End, ended, endOf, revoked, tombstoneOf } from "./tombstone.ts";

export interface HandleTraits {
  /** The browser's cookie was signed with an older secret. */
  readonly isCookieOutdated?: boolean;
  /** The request came with a sealed cookie, whose session is to live here from now on. */
  readonly isMoving?: boolean;
  /** The request came with a foreign cookie, whose session lives here since just before, under this id. */
  readonly movedTo?: string | undefined;
}

/** One request's session in a store. */
export class StoreHandle implements SessionHandle {
  readonly #context: StoreContext;
  readonly #rows: RowWriter;
  readonly #loaded: LoadedSession;
  /** The session's row, or the tombstone of one that ended just before. */
  readonly #row: StoredSession | null;
  readonly #traits: HandleTraits;
  readonly #late: LateRequest;
  #contested: readonly string[] = [];
  #inTheWay: StoredSession | null = null;

  constructor(
    context: StoreContext,
    jar: Cookie,
    loaded: LoadedSession,
    row: StoredSession | null,
    traits: HandleTraits = {},
  ) {
    this.#context = context;
    this.#rows = new RowWriter(context.parts, jar);
    this.#loaded = loaded;
    this.#row = row;
    this.#traits = traits;
    this.#late = new LateRequest(context);
  }

  load(): LoadedSession {
    return this.#loaded;
  }

  announce(id: string, from: string): void {
    this.#context.parts.revocations.users.announce(id, from, this.#loaded.record?.family);
  }

  save(state: SessionState): string[] | Promise<string[]> {
    const { record: opened, renewalDue } = state.loaded;
    if (!state.isChanged && !renewalDue) return [];
    if (this.#traits.movedTo !== undefined) return this.#over(state, null, this.#traits.movedTo);
    const id = opened?.id ?? this.#row?.id;
    if (id === undefined) return this.#begin(state, state.result(), null);
    return this.#context.queue.run(id, () => this.#change(state, opened, id));
  }

  /** Lays the changes over what is stored, again and again until nobody was faster. */
  async #change(state: SessionState, opened: SessionRecord | null, id: string): Promise<string[]> {
    if (opened !== null && this.#isTouch(state, opened)) return this.#touch(opened);
    let ground = opened === null ? await this.#late.groundIn(state, this.#row) : await this.#ownGround(opened);
    for (let tries = 1; ground !== null; tries++) {
      const isReplaced = state.ending !== null || state.isLogin;
      const lines = isReplaced ? await this.#replaceId(state, ground) : await this.#write(state, ground);
      if (lines !== null) return lines;
      await backoff(tries);
      ground = await this.#late.groundIn(state, await this.#newest(id, tries));
    }
    return this.#over(state, opened, id);
  }

  /** What this request came with. Null where a session without a row may have been moved, and ended, since it came. */
  async #ownGround(opened: SessionRecord): Promise<CommitBase | null> {
    const mayBeOver = this.#traits.isMoving && this.#row === null && this.#late.isSlow;
    if (mayBeOver && (await this.#context.parts.revocations.ending(opened)) !== null) return null;
    return { record: opened, row: this.#row };
  }

  /** The row that was in the way, or, after a wait, what is there now. */
  async #newest(id: string, tries: number): Promise<StoredSession | null> {
    return tries === 1 && this.#inTheWay?.id === id ? this.#inTheWay : this.#context.parts.store.read(id);
  }

  async #put(row: StoredSession, before: StoredSession | null): Promise<boolean> {
    const put = await this.#rows.put(row, before);
    if (!put.isWritten) this.#inTheWay = put.found;
    return put.isWritten;
  }

  /** Whether only the clocks move, and the browser need not hear of it. */
  #isTouch(state: SessionState, opened: SessionRecord): boolean {
    const { isCookieOutdated, isMoving } = this.#traits;
    const needsCookie = opened.permanent || isCookieOutdated || isMoving;
    return !state.isChanged && this.#row !== null && !opened.outdated && !needsCookie;
  }

  /** Only the clocks move: nothing is sealed anew. */
  async #touch(opened: SessionRecord): Promise<string[]> {
    const { store, now } = this.#context.parts;
    const record = { ...opened, renewedAt: now() };
    await store.touch(opened.id, { expiresAt: this.#rows.expiresAt(record), lastSeenAt: record.renewedAt });
    return [];
  }

  /** For a request that comes too late: of all that it did, only a sign-out counts. */
  async #over(state: SessionState, opened: SessionRecord | null, id: string): Promise<string[]> {
    if (state.ending !== "ended" || state.isLogin) return dropped(id);
    await this.#late.signOut(state, opened, id);
    return [this.#rows.erased()];
  }

  /** Null when another request got there first. */
  async #write(state: SessionState, ground: CommitBase): Promise<string[] | null> {
    const { record: base, row: before } = ground;
    if (base === null) return null;
    this.#contest(state, base);
    const record = rebase(state, base) ?? base;
    const row = this.#rows.rowOf(state, record, before);
    if (!(await this.#put(row, before))) return null;
    if (!(await this.#isSpent(state, record))) return dropped(record.id);
    this.#tell(row);
    const isNewToBrowser = this.#traits.isCookieOutdated || this.#traits.isMoving || before === null;
    const isRenewed = record.permanent ? state.loaded.renewalDue : false;
    return isNewToBrowser || isRenewed || record.permanent !== base.permanent ? [this.#rows.cookie(record)] : [];
  }

  /** Ends the id, and only if this request is the one that ended it may the next one begin. */
  async #replaceId(state: SessionState, ground: CommitBase): Promise<string[] | null> {
    const { record: old, row } = ground;
    const { revocations, now } = this.#context.parts;
    const { loaded } = state;
    const isOwn = old !== null && old.id === loaded.record?.id && (row === null || row.id === old.id);
    // Whoever takes the place of another session is none of its heirs.
    if (!isOwn) delete state.record.family;
    if (isOwn) this.#contest(state, old);
    // Before anything ends: data that does not fit the schema, or a row, throws here.
    const next = rebase(state, old ?? withoutData(state.record));
    if (next !== null) this.#rows.rowOf(state, next, null);
    if (loaded.isTakenOver && loaded.record !== null) {
      if (!(await revocations.retire(loaded.record, next ?? state.record))) return null;
      return this.#begin(state, next, loaded.record.id);
    }
    if (row === null && old === null) return this.#begin(state, next, null, true);
    const end: End = next === null ? ended : { how: "replaced", next: next.id, isHeir: next.family !== undefined };
    const before = row ?? { ...this.#rows.rowOf(state, old as SessionRecord, null), version: 0 };
    if (!(await this.#put(tombstoneOf(before, end, now()), ground.isUnborn ? null : row))) return null;
    if (this.#traits.isMoving && loaded.record !== null) {
      const isOver = !(await revocations.spend(loaded.record));
      if (isOver && !state.isLogin && state.ending === "rotated") return dropped(before.id);
    }
    emit("flagon:revoke", () => ({ id: before.id, userId: before.userId, reason: state.ending ?? "ended" }));
    return this.#begin(state, next, before.id, true);
  }

  /** Creates the row of a session that begins, and makes sure that nobody ended it on the way. */
  async #begin(
    state: SessionState,
    record: SessionRecord | null,
    from: string | null,
    erases = false,
  ): Promise<string[]> {
    if (record === null) return erases ? [this.#rows.erased()] : [];
    if (state.isLogin) await this.#context.parts.revocations.users.stamp(record);
    const row = this.#rows.rowOf(state, record, this.#row);
    const put = await this.#rows.put(row, null, true);
    // It was ended before it began, or another sign-in took its place.
    if (!put.isWritten && endOf(put.found) !== null) return dropped(from ?? record.id);
    if (!put.isWritten) throw new SessionError("store_corrupt", "a session's new id was taken");
    const end = await this.#endOnTheWay(record, from);
    if (end !== null) {
      await this.#context.line.end(record.id, end);
      return dropped(from ?? record.id);
    }
    this.#tell(row);
    return [this.#rows.cookie(record)];
  }

  #isOver(record: SessionRecord, from: string | null): Promise<boolean> {
    return this.#context.parts.revocations.isOver(record, from, (id) => this.#context.line.heirsOf(id));
  }

  /** How a session that just began was ended before anybody knew of it; null when it was not. */
  async #endOnTheWay(record: SessionRecord, from: string | null): Promise<End | null> {
    if (from !== null && !this.#loaded.isTakenOver) {
      const how = endOf(await this.#context.parts.store.read(from))?.how;
      if (how !== "replaced") return how === "revoked" ? revoked : ended;
    }
    return (await this.#isOver(record, from)) ? revoked : null;
  }

  /**
   * For a session that came in a sealed cookie: makes sure that no copy of the cookie is taken again, whatever becomes of
   * the row. False when it was ended on the way: then the row is none to keep.
   */
  async #isSpent(state: SessionState, record: SessionRecord): Promise<boolean> {
    const { record: opened } = state.loaded;
    if (!this.#traits.isMoving || opened === null) return true;
    const { revocations } = this.#context.parts;
    if ((await revocations.spend(opened)) && !(await this.#isOver(opened, null))) return true;
    await this.#context.line.end(record.id, revoked);
    return false;
  }

  /** Keys that this request sets although another request has set them since: the later one wins, and says so. */
  #contest(state: SessionState, base: SessionRecord): void {
    this.#contested = conflictingKeys(state, base);
  }

  #tell(row: StoredSession): void {
    const keys = this.#contested;
    if (keys.length > 0) emit("flagon:conflict", () => ({ id: row.id, reason: "same_key", keys }));
    emit("flagon:commit", () => ({ id: row.id, bytes: row.data?.length ?? 0, nearLimit: false }));
  }
}

function dropped(id: string): string[] {
  emit("flagon:conflict", () => ({ id, reason: "ended" }));
  return [];
}
