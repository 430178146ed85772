import type { SessionRecord } from "../../codec.ts";
import { isTimeout, SessionError, storeCorrupt } from "../../errors.ts";
import { emit } from "../../events.ts";
import { publicId } from "../../formats/public-id.ts";
import type { Cookie } from "../../http/cookie.ts";
import { conflictingKeys, rebase, recordApart } from "../../state/rebase.ts";
import type { LoadedSession, SessionHandle, SessionState } from "../../state/session-state.ts";
import type { StoredSession } from "../../store.ts";
import { backoff } from "../../util/retry.ts";
import { identityOf, intentOf } from "../backend.ts";
import { isAnothers } from "../cookie.ts";
import { withRandomId } from "../cookie-plan.ts";
import { type Decision, decide, decideBegin, type Known, ROTATION_GRACE_MS } from "../decision.ts";
import { signedOutMeanwhile } from "../revocations/users.ts";
import { succeed } from "../succeed.ts";
import { withNewCookie, withoutRenewal } from "../unanswered.ts";
import { endRow, endSession, endWithoutRow, type FoundSession, type StoreContext, sessionIn } from "./context.ts";
import { cookieLine, type Put, putRow, rowOf } from "./rows.ts";

/** What a request's cookie came to. */
export interface OpenedSession {
  readonly loaded: LoadedSession;
  /** What the request knew of its session; null where it came with none. */
  readonly known: Known | null;
  /** The session as it was when the request came; null where nothing of it is left. */
  readonly found: FoundSession | null;
  /** Whether the browser is to have another cookie for the same session: of a newer secret, or of this format. */
  readonly needsCookie?: boolean;
  /** What came in an older format, and is not known yet to have moved into a row. */
  readonly arriving?: SessionRecord | undefined;
}

/** Another request was faster. `row` is what it left, where that is known already. */
class Outrun {
  readonly row: StoredSession | null | undefined;

  constructor(row?: StoredSession | null) {
    this.row = row;
  }
}

/** One request's session in a store. */
export class StoreHandle implements SessionHandle {
  readonly #context: StoreContext;
  readonly #cookie: Cookie;
  #opened: OpenedSession;
  /** What the browser is to be told of what `flush` has stored. */
  #lines: string[] = [];
  #isDropped = false;

  constructor(context: StoreContext, cookie: Cookie, opened: OpenedSession) {
    this.#context = context;
    this.#cookie = cookie;
    this.#opened = opened;
  }

  load(): LoadedSession {
    return this.#opened.loaded;
  }

  async flush(state: SessionState): Promise<void> {
    if (!state.isChanged) return;
    this.#lines = [...(await this.save(state))];
    if (this.#isDropped) throw changesDropped();
    state.settle(this.#opened.loaded);
  }

  save(state: SessionState): string[] | Promise<string[]> {
    const { record, renewalDue, named } = state.loaded;
    if (!state.isChanged && !renewalDue) return this.#lines;
    const { known } = this.#opened;
    const id = record?.id ?? named;
    if (id === undefined || known === null || isAnothers(state)) return this.#begin(state, state.result());
    return this.#context.queue
      .run(id, () => this.#change(state, id, known))
      .catch((error: unknown) => {
        if (!state.isChanged) return withoutRenewal(state, error, this.#lines);
        // What was stored before needs its cookie: the one before is dead.
        throw withNewCookie(error, this.#lines[0]);
      });
  }

  /** Again and again until nobody was faster. */
  async #change(state: SessionState, id: string, known: Known): Promise<string[]> {
    if (this.#isTouch(state)) return this.#touch(state);
    let { found } = this.#opened;
    for (let tries = 1; ; tries++) {
      const outcome = await this.#attempt(state, known, found);
      if (!(outcome instanceof Outrun)) return outcome;
      await backoff(tries);
      const isKnown = tries === 1 && outcome.row !== undefined;
      found = sessionIn((isKnown ? outcome.row : await this.#context.store.read(id)) ?? null, this.#context);
    }
  }

  async #attempt(state: SessionState, known: Known, found: FoundSession | null): Promise<string[] | Outrun> {
    const isSlow = this.#context.now() - state.openedAt >= ROTATION_GRACE_MS;
    const who = { userId: state.record.userId, isSlow };
    const decision = decide(intentOf(state), known, found?.identity ?? null, who);
    if (decision === "drop") return this.#dropped(state);
    if (decision === "ignore") {
      if (state.isLogin) return this.#begin(state, state.result());
      this.#isDropped = true;
      return [];
    }
    if (decision === "begin") return this.#begin(state, recordApart(state));
    if (decision === "end") return this.#end(state, found);
    return found?.record ? this.#write(state, known, found, found.record, decision) : this.#dropped(state);
  }

  async #end(state: SessionState, found: FoundSession | null): Promise<string[] | Outrun> {
    const next = state.result();
    // Before anything ends: data that does not fit a row throws here.
    if (next !== null) rowOf(state, next, null, this.#context);
    if (found?.record) {
      const { record } = found;
      const isEnded = await (found.row ? endRow(found.row, "ended", this.#context) : this.#endUnmoved(record));
      if (found.row !== null && !isEnded) return new Outrun();
      emit("flagon:revoke", () => ({ id: publicId(record), userId: record.userId, reason: "ended" }));
    }
    if (next !== null) return this.#begin(state, next);
    this.#opened = { loaded: { record: null }, known: null, found: null };
    return [this.#cookie.serializeDeletion()];
  }

  async #write(
    state: SessionState,
    known: Known,
    { row: before, identity }: FoundSession,
    there: SessionRecord,
    decision: Decision,
  ): Promise<string[] | Outrun> {
    // The record that was loaded, as the schema has it, needs no laying over.
    const ground = before === this.#opened.found?.row ? (state.loaded.record ?? there) : there;
    const keys = conflictingKeys(state, ground);
    const record = succeed(state, rebase(state, ground), decision, known, identity);
    const { arriving, needsCookie = false } = this.#opened;
    if (arriving !== undefined) record.isMoved = true;
    if (decision !== "write") Object.assign(record, { permanent: ground.permanent, endsAt: ground.endsAt });
    const row = rowOf(state, record, before, this.#context);
    const isNewCookie = record.generation !== known.generation || record.signInId !== known.signInId;
    const put = await putRow(row, before, this.#context).catch((error: unknown) => {
      throw isNewCookie ? withNewCookie(error, cookieLine(record, this.#cookie, this.#context)) : error;
    });
    // Nobody wished for a renewal: whoever wrote since has moved the clocks.
    if (!put.isWritten) return state.isChanged ? new Outrun(put.found) : [];
    if (arriving !== undefined && !(await this.#context.legacy.moveIn(arriving))) {
      await endSession(record.id, "revoked", this.#context, ({ signInId }) => signInId === record.signInId);
      return new Outrun();
    }
    if (state.isLogin && (await this.#endIfOver(record))) {
      // Over is what it had joined, an earlier sign-in's: it begins another one.
      if (decision === "join") return new Outrun();
      throw signedOutMeanwhile(record);
    }
    this.#goOnFrom(record, row);
    this.#tell(record, row, keys);
    if (decision === "merge") return [];
    if (isNewCookie && identity.generation !== record.generation) {
      emit("flagon:revoke", () => ({ id: publicId(there), userId: there.userId, reason: "rotated" }));
    }
    const isRenewed = record.permanent && state.loaded.renewalDue === true;
    return isNewCookie || isRenewed || needsCookie ? [cookieLine(record, this.#cookie, this.#context)] : this.#lines;
  }

  /** One of an older format that has no row, unless another request has just moved it into one. False where it goes on. */
  async #endUnmoved({ id, signInId }: SessionRecord): Promise<boolean> {
    if (await endWithoutRow(id, "ended", this.#context)) return true;
    return endSession(id, "ended", this.#context, (there) => there.signInId === signInId);
  }

  /** A session that begins; where another one just ended, two requests that begin it begin one. */
  async #begin(state: SessionState, given: SessionRecord | null): Promise<string[]> {
    if (given === null) return [];
    let record = given;
    let before: StoredSession | null = null;
    for (let tries = 1; ; tries++) {
      const row = rowOf(state, record, before, this.#context);
      // Nobody gets its cookie. An id that is made of another one may be somebody else's session by now.
      const isOwn = record !== given || (state.loaded.record?.id ?? state.loaded.named) === undefined;
      const withdraw = (error: unknown): Promise<never> => {
        if (before !== null || !isOwn) throw error;
        return this.#withdraw(row, error);
      };
      const put: Put = await putRow(row, before, this.#context).catch(withdraw);
      const isOver = put.isWritten && state.isLogin && (await this.#endIfOver(record).catch(withdraw));
      if (isOver && before === null) return withdraw(signedOutMeanwhile(record));
      if (put.isWritten && !isOver) {
        this.#goOnFrom(record, row);
        this.#tell(record, row, []);
        return [cookieLine(record, this.#cookie, this.#context)];
      }
      // Over is what it had joined, an earlier sign-in's: it begins another one.
      const found: FoundSession | null = put.isWritten ? null : sessionIn(put.found, this.#context);
      const joined = found?.record ? decideBegin(state.isLogin, given.userId, found.identity) : null;
      if (joined !== null && found?.record) {
        record = succeed(state, rebase(state, found.record), joined.decision, joined.known, found.identity);
        before = found.row;
      } else {
        if (record !== given && before === null) throw storeCorrupt("a session's new id was taken");
        record = withRandomId(given);
        before = null;
      }
      await backoff(tries);
    }
  }

  /** Takes back the row of a session that did not come to begin, as well as can be. */
  async #withdraw({ id }: StoredSession, failure: unknown): Promise<never> {
    const deleted = this.#context.store.delete(id).catch(() => {});
    if (!isTimeout(failure)) await deleted;
    throw failure;
  }

  /** Whether only the clocks move, and the browser need not hear of it. */
  #isTouch(state: SessionState): boolean {
    const { record } = state.loaded;
    if (state.isChanged || record === null || this.#opened.found?.row === null) return false;
    return !record.permanent && !record.outdated && !this.#opened.needsCookie;
  }

  /** Nothing is sealed anew. */
  async #touch({ loaded: { record } }: SessionState): Promise<string[]> {
    if (record === null) return [];
    const { store, now, reader } = this.#context;
    const renewed = { ...record, renewedAt: now() };
    await store.touch(record.id, { expiresAt: reader.expiresAt(renewed), lastSeenAt: renewed.renewedAt });
    return [];
  }

  /** A sign-in looks for the user's mark once, after its write: of the two that meet, one always sees the other. */
  async #endIfOver(record: SessionRecord): Promise<boolean> {
    const isOver = await this.#context.users.find(record.userId);
    if (isOver?.(record) !== true) return false;
    await endSession(record.id, "revoked", this.#context, isOver);
    return true;
  }

  /** What a later change in this request starts from. */
  #goOnFrom(record: SessionRecord, row: StoredSession): void {
    const found = { row, record, identity: identityOf(record) };
    this.#opened = { loaded: { record }, known: { ...record, isOpened: true }, found };
  }

  #dropped({ loaded, record }: SessionState): string[] {
    this.#isDropped = true;
    emit("flagon:conflict", () => ({ id: publicId(loaded.record ?? record), reason: "ended" }));
    return [];
  }

  #tell(record: SessionRecord, row: StoredSession, keys: readonly string[]): void {
    const id = (): string => publicId(record);
    if (keys.length > 0) emit("flagon:conflict", () => ({ id: id(), reason: "same_key", keys }));
    emit("flagon:commit", () => ({ id: id(), bytes: row.data?.length ?? 0, nearLimit: false }));
  }
}

function changesDropped(): SessionError {
  return new SessionError(
    "session_conflict",
    "another request has ended the session, or signed somebody in: what was changed is not stored",
  );
}
