import type { OpenRequest, SessionRecord } from "../codec.ts";
import { emit } from "../events.ts";
import { readPublicId } from "../formats/public-id.ts";
import { COOKIE_AGE_MAX_MS, type Cookie } from "../http/cookie.ts";
import type { LoadedSession, SessionHandle, SessionState } from "../state/session-state.ts";
import { BoundedMap } from "../util/bounded-map.ts";
import type { Moments } from "../util/moment.ts";
import { checkNames } from "../util/option-names.ts";
import { backoff } from "../util/retry.ts";
import { failedHandle, type SessionBackend } from "./backend.ts";
import { type CookieParts, isAnothers, type NamedSession, onlyInStores, SealedCookie, tell } from "./cookie.ts";
import { entryOf, planBegin, planChange, withRandomId } from "./cookie-plan.ts";
import type { Known } from "./decision.ts";
import type { EntryTable, StoredEntry } from "./revocations/entries.ts";
import { entryOfUnknown, type SessionEntry } from "./revocations/sessions.ts";
import { signedOutMeanwhile, type UserRevocations } from "./revocations/users.ts";
import { withNewCookie, withoutRenewal } from "./unanswered.ts";

/** How many answers of the store are remembered for a moment. */
const ANSWERS_MAX = 10_000;

interface Answer {
  readonly askedAt: number;
  readonly entry: SessionEntry | null;
}

/** What the store knows of a session, and the row that says so. */
interface Found {
  /** As the row has it, or ended with its user. */
  readonly entry: SessionEntry | null;
  readonly stored: StoredEntry<SessionEntry> | null;
}

export interface RevocableParts extends CookieParts {
  readonly table: EntryTable<SessionEntry>;
  readonly users: UserRevocations;
  readonly moments: Moments;
  readonly stalenessMs: number;
}

/** Sealed cookies, checked against a store of ended sessions: seldom for reading, always before a cookie is sealed. */
export class RevocableCookieBackend implements SessionBackend {
  readonly parts: RevocableParts;
  readonly list: () => Promise<never> = onlyInStores;
  readonly update: () => Promise<never> = onlyInStores;
  readonly count: () => Promise<never> = onlyInStores;
  #answers: BoundedMap<string, Answer> = new BoundedMap(ANSWERS_MAX);

  constructor(parts: RevocableParts) {
    this.parts = parts;
  }

  open(request: OpenRequest, cookie: Cookie): SessionHandle | Promise<SessionHandle> {
    const handle = new RevocableCookieHandle(this, new SealedCookie(this.parts, request, cookie));
    return handle.find() ?? handle.ask().catch(failedHandle);
  }

  /** What the store said moments ago; undefined when it has to be asked. */
  remembered({ id }: SessionRecord): SessionEntry | null | undefined {
    const answer = this.#answers.get(id);
    const isFresh = answer !== undefined && this.parts.rules.now() - answer.askedAt < this.parts.stalenessMs;
    return isFresh ? answer.entry : undefined;
  }

  /** Asks the store, and remembers what it said, unless something was ended here meanwhile. */
  async ask(record: SessionRecord): Promise<Found> {
    const { table, users, rules } = this.parts;
    const askedAt = rules.now();
    const answers = this.#answers;
    const [stored, isOver] = await Promise.all([table.read(record.id), users.find(record.userId)]);
    const own = stored?.entry ?? null;
    // Of a session that was signed in to again since, it is the later sign-in that counts.
    const { authenticatedAt } = own !== null && own.generation > record.generation ? own : record;
    const isEndedWithUser = isOver?.({ ...record, authenticatedAt }) === true && (own === null || own.end === null);
    const entry: SessionEntry | null = isEndedWithUser
      ? { ...(own ?? entryOf(record)), end: "revoked", changedAt: askedAt }
      : own;
    answers.set(record.id, { askedAt, entry });
    return { entry, stored };
  }

  /** Forgets what the store said: in this process an end shows at once. */
  forget(): void {
    this.#answers = new BoundedMap(ANSWERS_MAX);
  }

  async revoke(text: string, options: { readonly userId?: string | number } = {}): Promise<boolean> {
    checkNames(options, "userId", "revoke");
    const { userId } = options;
    const named = readPublicId(text);
    if (named === null) return false;
    const user = userId === undefined ? null : String(userId);
    const isEnded = await this.#revoke(named.id, named.signInId, user);
    this.forget();
    if (isEnded) emit("flagon:revoke", () => ({ id: text, userId: user, reason: "revoked" }));
    return isEnded;
  }

  async #revoke(id: string, signInId: number, user: string | null): Promise<boolean> {
    const { table, users, rules } = this.parts;
    const changedAt = rules.now();
    const until = changedAt + COOKIE_AGE_MAX_MS;
    let isUnknown = false;
    const entry = await table.change(id, until, (found) => {
      isUnknown = found === null;
      // Whose it is, only its cookie says.
      if (found === null) return user === null ? { ...entryOfUnknown(signInId), end: "revoked", changedAt } : null;
      const isMeant = found.signInId === signInId && (user === null || found.userId === user);
      return isMeant && found.end === null ? { ...found, end: "revoked", changedAt } : null;
    });
    if (!isUnknown || user === null) return entry !== null;
    return signInId !== 0 && users.revoke(user, id, until);
  }

  async revokeUser(user: string | number, options: { readonly except?: string } = {}): Promise<void> {
    checkNames(options, "except", "revokeUser");
    const { except } = options;
    const userId = String(user);
    const moment = this.parts.moments.mark();
    await this.parts.users.end(userId, moment, readPublicId(except)?.id ?? null, moment + COOKIE_AGE_MAX_MS);
    this.forget();
    emit("flagon:revoke", () => ({ id: null, userId, reason: "revoked" }));
  }

  prune(): Promise<number> {
    return this.parts.table.prune();
  }
}

class RevocableCookieHandle implements SessionHandle {
  readonly #backend: RevocableCookieBackend;
  readonly #cookie: SealedCookie;
  #named: NamedSession | null = null;
  #loaded: LoadedSession = { record: null };

  constructor(backend: RevocableCookieBackend, cookie: SealedCookie) {
    this.#backend = backend;
    this.#cookie = cookie;
  }

  load(): LoadedSession {
    return this.#loaded;
  }

  /** Null when the store has to be asked about a cookie of this request. */
  find(): this | null {
    let isAsked = false;
    const entryOf = (record: SessionRecord): SessionEntry | null => {
      const entry = this.#backend.remembered(record);
      isAsked ||= entry === undefined;
      return entry ?? null;
    };
    const named = this.#cookie.find(entryOf);
    if (isAsked) return null;
    this.#named = named;
    this.#loaded = this.#cookie.loaded(named, named && this.#backend.remembered(named.record));
    return this;
  }

  /** Asks the store about one cookie after another, until one opens. */
  async ask(): Promise<this> {
    const asked = new Map<string, SessionEntry | null>();
    for (;;) {
      const named = this.#cookie.find(({ id }) => asked.get(id));
      if (named === null || asked.has(named.record.id)) {
        this.#named = named;
        this.#loaded = this.#cookie.loaded(named, named && asked.get(named.record.id));
        return this;
      }
      asked.set(named.record.id, (await this.#backend.ask(named.record)).entry);
    }
  }

  async save(state: SessionState): Promise<string[]> {
    if (state.isChanged) return this.#change(state);
    if (!state.loaded.renewalDue) return [];
    return this.#change(state).catch((error: unknown) => withoutRenewal(state, error, []));
  }

  async #change(state: SessionState): Promise<string[]> {
    const named = this.#named;
    if (named === null || isAnothers(state)) return this.#begin(state, state.result(), false);
    const { record: came, standing, until } = named;
    if (this.#cookie.isOutrun(state, came.id)) return [];
    const known: Known = { ...came, isOpened: standing === "opens" };
    for (let tries = 1; ; tries++) {
      const { entry, stored } = await this.#backend.ask(came);
      const plan = planChange(state, known, came, entry);
      const record = plan.begins || !plan.record ? undefined : plan.record;
      // Sealed before anything ends: when the cookie is too large, the session stays as it was.
      const lines = record === undefined ? [] : this.#cookie.lines(state, record);
      const ends = Math.max(until, record?.endsAt ?? 0);
      const put =
        plan.entry &&
        this.#put(came.id, plan.entry, ends, stored).catch((error: unknown) => {
          throw record === undefined ? error : withNewCookie(error, lines[0]);
        });
      if (put && !(await put)) {
        await backoff(tries);
        continue;
      }
      tell(came, plan);
      if (plan.begins) return this.#begin(state, plan.record ?? null, true);
      if (plan.record === null) return this.#cookie.lines(state, null);
      if (record === undefined || !state.isLogin || !(await this.#endIfOver(record))) return lines;
      // Over is what it had joined, where that was an earlier sign-in's: it begins another one.
      if (plan.entry) throw signedOutMeanwhile(record);
    }
  }

  flush(state: SessionState): void {
    this.#cookie.check(state);
  }

  /** A session that begins; where another one just ended, two requests that begin it begin one. */
  async #begin(state: SessionState, record: SessionRecord | null, isAfterAnother: boolean): Promise<string[]> {
    if (record === null) return this.#cookie.lines(state, null);
    if (!isAfterAnother) {
      if (state.isLogin && (await this.#endIfOver(record))) throw signedOutMeanwhile(record);
      return this.#cookie.lines(state, record);
    }
    for (let tries = 1; ; tries++) {
      const stored = await this.#backend.parts.table.read(record.id);
      const own = planBegin(state, record, stored?.entry ?? null);
      if (own === null) return this.#begin(state, withRandomId(record), false);
      const lines = this.#cookie.lines(state, own);
      if (await this.#put(own.id, entryOf(own), own.endsAt, stored)) {
        if (!state.isLogin || !(await this.#endIfOver(own))) return lines;
        // Over is what it had joined, where that was an earlier sign-in's: it begins another one.
        if (own === record) throw signedOutMeanwhile(record);
      }
      await backoff(tries);
    }
  }

  #put(id: string, entry: SessionEntry, until: number, stored: StoredEntry<SessionEntry> | null): Promise<boolean> {
    this.#backend.forget();
    return this.#backend.parts.table.put(id, entry, until, stored);
  }

  /** A sign-in looks for the user's mark once, after its write: of the two that meet, one always sees the other. */
  async #endIfOver(record: SessionRecord): Promise<boolean> {
    const { users, table, rules } = this.#backend.parts;
    const isOver = await users.find(record.userId);
    if (isOver?.(record) !== true) return false;
    const entry: SessionEntry = { ...entryOf(record), end: "revoked", changedAt: rules.now() };
    await table.change(record.id, record.endsAt, () => entry);
    this.#backend.forget();
    return true;
  }
}
