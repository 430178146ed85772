import type { OpenRequest, SessionRecord } from "../codec.ts";
import { isSessionError, isTimeout, type RejectReason, type SessionError } from "../errors.ts";
import { emit } from "../events.ts";
import { type IdCookie, readIdCookie } from "../formats/id-cookie.ts";
import { publicId, readPublicId } from "../formats/public-id.ts";
import type { Cookie } from "../http/cookie.ts";
import { readCookies } from "../http/cookie-header.ts";
import type { Session } from "../session.ts";
import type { SessionHandle } from "../state/session-state.ts";
import type { StoredSession } from "../store.ts";
import { checkNames } from "../util/option-names.ts";
import { failedHandle, identityOf, type SessionBackend, type SessionInfo, unopened } from "./backend.ts";
import { type Standing, standingOf } from "./decision.ts";
import { endedUntil, type IsOver } from "./revocations/users.ts";
import { endRow, endSession, endWithoutRow, type FoundSession, type StoreContext, sessionIn } from "./store/context.ts";
import { type OpenedSession, StoreHandle } from "./store/handle.ts";
import { updateSession } from "./store/update.ts";

/** So many sessions of a user are ended at once. */
const BATCH = 20;
/** A mark in a store is for the sign-ins that are under way: the others' rows end at once. */
const MARK_MS = 86_400_000;

const nothing: OpenedSession = { loaded: { record: null }, known: null, found: null };

/** The cookie holds an id, a generation and their MAC; the session is a sealed row in a store. */
export class StoreBackend implements SessionBackend {
  readonly #context: StoreContext;

  constructor(context: StoreContext) {
    this.#context = context;
  }

  open(request: OpenRequest, cookie: Cookie): SessionHandle | Promise<SessionHandle> {
    const header = request.header("cookie") ?? "";
    const values = readCookies(header, cookie.name);
    const ids = values.map((value) => readIdCookie(value, cookie.name, this.#context.keys));
    const good = ids.filter((id) => id !== null);
    if (good.length < ids.length) emit("flagon:reject", () => ({ reason: "forged" }));
    if (good.length === 0 && (header === "" || this.#context.legacy.until === 0)) {
      return new StoreHandle(this.#context, cookie, nothing);
    }
    return this.#find(request, cookie, good).then(
      (opened) => new StoreHandle(this.#context, cookie, opened),
      failedHandle,
    );
  }

  /** The first session that opens, else one in an older format, else the first that was superseded or is over. */
  async #find(request: OpenRequest, cookie: Cookie, ids: readonly IdCookie[]): Promise<OpenedSession> {
    const { store, reader, now, rules } = this.#context;
    let other: { readonly standing: Standing; readonly opened: OpenedSession } | null = null;
    for (const id of ids) {
      const row = await store.read(id.id);
      const found = sessionIn(row, this.#context);
      const standing = found && standingOf(id, found.identity, now());
      const reason = standing === "opens" && found?.record ? reader.limitOf(found.record) : rejection(row, found);
      if (standing === "opens" && found?.record && reason === null) return this.#opened(id, found, found.record);
      if (found !== null && standing !== null && standing !== "opens") {
        const known = { ...id, isOpened: false };
        const opened = { loaded: unopened(standing, id.id, found.identity, rules.idAfter), known, found };
        if (other === null || (other.standing === "past" && standing === "superseded")) other = { standing, opened };
      }
      emit("flagon:reject", () => ({ reason: reason ?? "ended" }));
    }
    return (await this.#upgrade(request, cookie)) ?? other?.opened ?? nothing;
  }

  /** A cookie of a later generation than the row's is ours: what the row lost is made up for by the next write. */
  #opened(cookie: IdCookie, found: FoundSession, there: NonNullable<FoundSession["record"]>): OpenedSession {
    const record = { ...there, generation: Math.max(cookie.generation, there.generation) };
    const isBehind = cookie.signInId !== record.signInId;
    const needsCookie = cookie.outdated || isBehind;
    const renewalDue = needsCookie || this.#context.reader.isRenewalDue(record);
    return { loaded: { record, renewalDue }, known: { ...record, isOpened: true }, found, needsCookie };
  }

  /** A session in an older format, which lives here from its next write on; one that is over where there is no other. */
  async #upgrade(request: OpenRequest, cookie: Cookie): Promise<OpenedSession | null> {
    const { legacy, store, now, rules, reader } = this.#context;
    let over: OpenedSession | null = null;
    for (const record of legacy.find(request, cookie.name)) {
      const entry = await legacy.known(record);
      const row = await store.read(record.id);
      const there = sessionIn(row, this.#context);
      // Where both are, a row that lives is not to be opened by whoever had it moved after the session was ended.
      const known = there === null || (entry !== null && !entry.isMoved && there.record) ? entry : there.identity;
      const standing = known === null ? "opens" : standingOf(record, known, now());
      const own = there?.record ?? record;
      const arriving = (entry?.end ?? null) === null ? record : undefined;
      // A row whose secret is no longer in use opens nothing, and nothing opens in its place. The old format holds what has no
      // row to limits of its own.
      const isGone =
        row !== null && (there === null || (there.record !== null && reader.limitOf(there.record) !== null));
      if (standing === "opens" && !isGone) {
        const found = there ?? { row: null, record, identity: identityOf(record) };
        const loaded = { record: own, renewalDue: true };
        return { loaded, known: { ...own, isOpened: true }, found, needsCookie: true, arriving };
      }
      emit("flagon:reject", () => ({ reason: "ended" }));
      const loaded = unopened(standing, record.id, known ?? identityOf(record), rules.idAfter);
      over ??= { loaded, known: { ...record, isOpened: false }, found: there, arriving };
    }
    return over;
  }

  async list(userId: string | number, options: { readonly current?: string } = {}): Promise<SessionInfo[]> {
    checkNames(options, "current", "list");
    const { current } = options;
    const rows = await this.#context.store.list(String(userId));
    return rows.flatMap((row) => {
      const { createdAt, lastSeenAt, expiresAt, device } = row;
      const record = sessionIn(row, this.#context)?.record;
      // Whose secret is no longer in use: no cookie opens it.
      if (!record) return [];
      const id = publicId(record);
      return { id, createdAt, lastSeenAt, expiresAt, device, isCurrent: id === current };
    });
  }

  async revoke(text: string, options: { readonly userId?: string | number } = {}): Promise<boolean> {
    checkNames(options, "userId", "revoke");
    const { userId } = options;
    const named = readPublicId(text);
    if (named === null) return false;
    const user = userId === undefined ? null : String(userId);
    const end = (): Promise<boolean> => {
      return endSession(named.id, "revoked", this.#context, (record) => {
        return record.signInId === named.signInId && (user === null || record.userId === user);
      });
    };
    const isEnded = (await end()) || (await this.#revokeUnmoved(named, user, end));
    if (isEnded) emit("flagon:revoke", () => ({ id: text, userId: null, reason: "revoked" }));
    return isEnded;
  }

  /** One that came in an older format and has no row. `end`: a request may move it into one meanwhile. */
  async #revokeUnmoved(
    { id, signInId }: Pick<SessionRecord, "id" | "signInId">,
    user: string | null,
    end: () => Promise<boolean>,
  ): Promise<boolean> {
    const { legacy, store } = this.#context;
    if (legacy.until === 0) return false;
    if ((await store.read(id)) !== null) return end();
    if (user === null) return (await endWithoutRow(id, "revoked", this.#context)) || end();
    const isRevoked = signInId !== 0 && (await legacy.revoke(id, user));
    return (await end()) || isRevoked;
  }

  /** The mark comes first: a sign-in that is under way finds it, and gives up. Then the rows end, one by one. */
  async revokeUser(user: string | number, options: { readonly except?: string } = {}): Promise<void> {
    checkNames(options, "except", "revokeUser");
    const { except } = options;
    const { store, users, legacy, moments } = this.#context;
    const userId = String(user);
    const moment = moments.mark();
    const until = Math.max(moment + MARK_MS, legacy.until);
    const spared = readPublicId(except)?.id ?? null;
    const mark = (): Promise<IsOver> => users.end(userId, moment, spared, until);
    let isMarked = true;
    const isOver = await mark().catch((error: unknown) => {
      // It takes no sign-in either, and removes rows all the same. A session that has no row needs the mark.
      if (!isFull(error) || legacy.until !== 0) throw error;
      isMarked = false;
      return endedUntil(moment, spared);
    });
    const mayEnd = ({ id, createdAt }: StoredSession): boolean => isOver({ id, authenticatedAt: createdAt, createdAt });
    const over = (await store.list(userId)).filter(mayEnd);
    const end = async (row: StoredSession): Promise<unknown> =>
      (await endRow(row, "revoked", this.#context)) || endSession(row.id, "revoked", this.#context, isOver);
    let failure: unknown = null;
    while (over.length > 0 && !isTimeout(failure)) {
      const ends = await Promise.allSettled(over.splice(0, BATCH).map(end));
      for (const each of ends) if (each.status === "rejected" && !isTimeout(failure)) failure = each.reason;
    }
    // Only now: one that cannot be ended keeps none of the others alive.
    if (failure !== null) throw failure;
    if (!isMarked) await mark().catch((error: unknown) => tellUnmarked(error));
    emit("flagon:revoke", () => ({ id: null, userId, reason: "revoked" }));
  }

  async update<Data extends object>(
    text: string,
    change: (session: Session<Data>) => void,
    options: { readonly renew?: boolean } = {},
  ): Promise<boolean> {
    checkNames(options, "renew", "update");
    const { renew = false } = options;
    const named = readPublicId(text);
    if (named === null) return false;
    return this.#context.queue.run(named.id, () => updateSession(named, this.#context, change, renew));
  }

  count(): Promise<number> {
    return this.#context.store.count();
  }

  prune(): Promise<number> {
    return this.#context.store.deleteExpired(this.#context.now());
  }
}

/** By now there may have been room for it. */
function tellUnmarked(error: unknown): void {
  if (!isFull(error)) throw error;
  emit("flagon:error", () => ({ id: null, error: error as SessionError }));
}

function isFull(error: unknown): boolean {
  return isSessionError(error) && error.code === "store_full";
}

function rejection(row: StoredSession | null, found: FoundSession | null): RejectReason {
  if (row === null) return "unknown_id";
  return found === null ? "unknown_key" : "ended";
}
