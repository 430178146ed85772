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
  readonly #home: StoreContext;
  readonly #rows: RowWriter;
  readonly #loaded: LoadedSession;
  /** The session's row, or the tombstone of one that ended just before. */
  readonly #row: StoredSession | null;
  readonly #traits: HandleTraits;
  readonly #late: LateRequest;
  #contested: readonly string[] = [];
  #inTheWay: StoredSession | null = null;

  constructor(
    home: StoreContext,
    jar: Cookie,
    loaded: LoadedSession,
    row: StoredSession | null,
    traits: HandleTraits = {},
  ) {
    this.#home = home;
    this.#rows = new RowWriter(home.parts, jar);
    this.#loaded = loaded;
    this.#row = row;
    this.#traits = traits;
    this.#late = new LateRequest(home);
  }

  load(): LoadedSession {
    return this.#loaded;
  }

  announce(id: string, from: string): void {
    this.#home.parts.revocations.users.announce(id, from, this.#loaded.record?.family);
  }

  save(visit: SessionState): string[] | Promise<string[]> {
    const { record: opened, renewalDue } = visit.loaded;
    if (!visit.isChanged && !renewalDue) return [];
    if (this.#traits.movedTo !== undefined) return this.#over(visit, null, this.#traits.movedTo);
    const id = opened?.id ?? this.#row?.id;
    if (id === undefined) return this.#begin(visit, visit.result(), null);
    return this.#home.queue.run(id, () => this.#change(visit, opened, id));
  }

  /** Lays the changes over what is stored, again and again until nobody was faster. */
  async #change(visit: SessionState, opened: SessionRecord | null, id: string): Promise<string[]> {
    if (opened !== null && this.#isTouch(visit, opened)) return this.#touch(opened);
    let ground = opened === null ? await this.#late.groundIn(visit, this.#row) : await this.#ownGround(opened);
    for (let tries = 1; ground !== null; tries++) {
      const isReplaced = visit.ending !== null || visit.isLogin;
      const lines = isReplaced ? await this.#replaceId(visit, ground) : await this.#write(visit, ground);
      if (lines !== null) return lines;
      await backoff(tries);
      ground = await this.#late.groundIn(visit, await this.#newest(id, tries));
    }
    return this.#over(visit, opened, id);
  }

  /** What this visit came with. Null where a session without a row may have been moved, and ended, since it came. */
  async #ownGround(opened: SessionRecord): Promise<CommitBase | null> {
    const mayBeOver = this.#traits.isMoving && this.#row === null && this.#late.isSlow;
    if (mayBeOver && (await this.#home.parts.revocations.ending(opened)) !== null) return null;
    return { record: opened, row: this.#row };
  }

  /** The row that was in the way, or, after a wait, what is there now. */
  async #newest(id: string, tries: number): Promise<StoredSession | null> {
    return tries === 1 && this.#inTheWay?.id === id ? this.#inTheWay : this.#home.parts.store.read(id);
  }

  async #put(row: StoredSession, before: StoredSession | null): Promise<boolean> {
    const put = await this.#rows.put(row, before);
    if (!put.isWritten) this.#inTheWay = put.found;
    return put.isWritten;
  }

  /** Whether only the clocks move, and the browser need not hear of it. */
  #isTouch(visit: SessionState, opened: SessionRecord): boolean {
    const { isCookieOutdated, isMoving } = this.#traits;
    const needsCookie = opened.permanent || isCookieOutdated || isMoving;
    return !visit.isChanged && this.#row !== null && !opened.outdated && !needsCookie;
  }

  /** Only the clocks move: nothing is sealed anew. */
  async #touch(opened: SessionRecord): Promise<string[]> {
    const { store, now } = this.#home.parts;
    const record = { ...opened, renewedAt: now() };
    await store.touch(opened.id, { expiresAt: this.#rows.expiresAt(record), lastSeenAt: record.renewedAt });
    return [];
  }

  /** For a visit that comes too late: of all that it did, only a sign-out counts. */
  async #over(visit: SessionState, opened: SessionRecord | null, id: string): Promise<string[]> {
    if (visit.ending !== "ended" || visit.isLogin) return dropped(id);
    await this.#late.signOut(visit, opened, id);
    return [this.#rows.erased()];
  }

  /** Null when another request got there first. */
  async #write(visit: SessionState, ground: CommitBase): Promise<string[] | null> {
    const { record: base, row: before } = ground;
    if (base === null) return null;
    this.#contest(visit, base);
    const record = rebase(visit, base) ?? base;
    const row = this.#rows.rowOf(visit, record, before);
    if (!(await this.#put(row, before))) return null;
    if (!(await this.#isSpent(visit, record))) return dropped(record.id);
    this.#tell(row);
    const isNewToBrowser = this.#traits.isCookieOutdated || this.#traits.isMoving || before === null;
    const isRenewed = record.permanent ? visit.loaded.renewalDue : false;
    return isNewToBrowser || isRenewed || record.permanent !== base.permanent ? [this.#rows.cookie(record)] : [];
  }

  /** Ends the id, and only if this request is the one that ended it may the next one begin. */
  async #replaceId(visit: SessionState, ground: CommitBase): Promise<string[] | null> {
    const { record: old, row } = ground;
    const { revocations, now } = this.#home.parts;
    const { loaded } = visit;
    const isOwn = old !== null && old.id === loaded.record?.id && (row === null || row.id === old.id);
    // Whoever takes the place of another session is none of its heirs.
    if (!isOwn) delete visit.record.family;
    if (isOwn) this.#contest(visit, old);
    // Before anything ends: data that does not fit the schema, or a row, throws here.
    const next = rebase(visit, old ?? withoutData(visit.record));
    if (next !== null) this.#rows.rowOf(visit, next, null);
    if (loaded.isTakenOver && loaded.record !== null) {
      if (!(await revocations.retire(loaded.record, next ?? visit.record))) return null;
      return this.#begin(visit, next, loaded.record.id);
    }
    if (row === null && old === null) return this.#begin(visit, next, null, true);
    const end: End = next === null ? ended : { how: "replaced", next: next.id, isHeir: next.family !== undefined };
    const before = row ?? { ...this.#rows.rowOf(visit, old as SessionRecord, null), version: 0 };
    if (!(await this.#put(tombstoneOf(before, end, now()), ground.isUnborn ? null : row))) return null;
    if (this.#traits.isMoving && loaded.record !== null) {
      const isOver = !(await revocations.spend(loaded.record));
      if (isOver && !visit.isLogin && visit.ending === "rotated") return dropped(before.id);
    }
    emit("flagon:revoke", () => ({ id: before.id, userId: before.userId, reason: visit.ending ?? "ended" }));
    return this.#begin(visit, next, before.id, true);
  }

  /** Creates the row of a session that begins, and makes sure that nobody ended it on the way. */
  async #begin(
    visit: SessionState,
    record: SessionRecord | null,
    from: string | null,
    erases = false,
  ): Promise<string[]> {
    if (record === null) return erases ? [this.#rows.erased()] : [];
    if (visit.isLogin) await this.#home.parts.revocations.users.stamp(record);
    const row = this.#rows.rowOf(visit, record, this.#row);
    const put = await this.#rows.put(row, null, true);
    // It was ended before it began, or another sign-in took its place.
    if (!put.isWritten && endOf(put.found) !== null) return dropped(from ?? record.id);
    if (!put.isWritten) throw new SessionError("store_corrupt", "a session's new id was taken");
    const end = await this.#endOnTheWay(record, from);
    if (end !== null) {
      await this.#home.line.end(record.id, end);
      return dropped(from ?? record.id);
    }
    this.#tell(row);
    return [this.#rows.cookie(record)];
  }

  #isOver(record: SessionRecord, from: string | null): Promise<boolean> {
    return this.#home.parts.revocations.isOver(record, from, (id) => this.#home.line.heirsOf(id));
  }

  /** How a session that just began was ended before anybody knew of it; null when it was not. */
  async #endOnTheWay(record: SessionRecord, from: string | null): Promise<End | null> {
    if (from !== null && !this.#loaded.isTakenOver) {
      const how = endOf(await this.#home.parts.store.read(from))?.how;
      if (how !== "replaced") return how === "revoked" ? revoked : ended;
    }
    return (await this.#isOver(record, from)) ? revoked : null;
  }

  /**
   * For a session that came in a sealed cookie: makes sure that no copy of the cookie is taken again, whatever becomes of
   * the row. False when it was ended on the way: then the row is none to keep.
   */
  async #isSpent(visit: SessionState, record: SessionRecord): Promise<boolean> {
    const { record: opened } = visit.loaded;
    if (!this.#traits.isMoving || opened === null) return true;
    const { revocations } = this.#home.parts;
    if ((await revocations.spend(opened)) && !(await this.#isOver(opened, null))) return true;
    await this.#home.line.end(record.id, revoked);
    return false;
  }

  /** Keys that this visit sets although another request has set them since: the later one wins, and says so. */
  #contest(visit: SessionState, base: SessionRecord): void {
    this.#contested = conflictingKeys(visit, base);
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
