import type { Flash, OpenRequest } from "./codec.ts";
import type { RegisteredData } from "./index.ts";
import type { CsrfTokens } from "./lib/csrf.ts";
import { type Duration, parseDuration } from "./lib/lifetime.ts";
import type { Visit } from "./lib/visit.ts";

/** The keys of a session's data. */
export type Key<Data> = keyof Data & string;

/** What `session.login` may be told. */
export interface LoginOptions {
  /** True: the session outlives the browser, for `permanentLifetime`. False: it does not. Left out: stays as it is. */
  readonly permanent?: boolean;
  /** What the person's list of devices shows, such as "Work laptop". Default: a short reading of the User-Agent. */
  readonly device?: string;
}

let readVisit: <D extends object>(session: Session<D>) => Visit;

/**
 * One visitor's session during one request. The same object whatever the session's home; nothing here does I/O. The first
 * look at it opens the cookie, and throws a `SessionError` with `status` 503 when a store could not be asked.
 *
 * Everything that changes it throws a `TypeError` once the response has started, since it could no longer be kept.
 */
export class Session<Data extends object = RegisteredData> {
  readonly #visit: Visit;
  readonly #csrf: CsrfTokens;

  static {
    readVisit = (session) => session.#visit;
  }

  /** Made by `Sessions.open`. @internal */
  constructor(visit: Visit, csrf: CsrfTokens) {
    this.#visit = visit;
    this.#csrf = csrf;
  }

  /** Undefined for a key that is not there. An object that comes back may be changed in place: the change is kept. */
  get<K extends Key<Data>>(key: K): Data[K] | undefined {
    return this.#visit.draft.get(key) as Data[K] | undefined;
  }

  /** As `get`, and the key is gone afterwards. */
  pop<K extends Key<Data>>(key: K): Data[K] | undefined {
    const value = this.get(key);
    if (value !== undefined || this.has(key)) this.delete(key);
    return value;
  }

  /**
   * Takes JSON, and `Date`, `bigint`, `Uint8Array`, `Map`, `Set`, which come back as what they were. Throws a `TypeError`
   * that names the key for what cannot be carried exactly: functions, class instances, circles.
   */
  set<K extends Key<Data>>(key: K, value: Data[K]): this {
    this.#visit.beginChange();
    this.#visit.draft.set(key, value);
    return this;
  }

  has(key: Key<Data>): boolean {
    return this.#visit.draft.has(key);
  }

  /** Whether the key was there. */
  delete(key: Key<Data>): boolean {
    this.#visit.beginChange();
    return this.#visit.draft.delete(key);
  }

  /** Drops all data. The login, waiting flashes and the id stay; `logout` drops those too. */
  clear(): void {
    this.#visit.beginChange();
    if (this.size > 0) this.#visit.draft.clear();
  }

  keys(): Key<Data>[] {
    return this.#visit.draft.keys() as Key<Data>[];
  }

  entries(): [Key<Data>, Data[Key<Data>]][] {
    return this.keys().map((key) => [key, this.get(key) as Data[Key<Data>]]);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#visit.draft.keys().length;
  }

  /**
   * Sets the key to what `step` makes of its value, and returns that. In a store `step` runs again over the newer value
   * when another request got there first, so a counter never loses a count; it must do nothing but compute.
   */
  update<K extends Key<Data>>(key: K, step: (value: Data[K] | undefined) => Data[K]): Data[K] {
    this.#visit.beginChange();
    return this.#visit.draft.update(key, step as (value: unknown) => unknown) as Data[K];
  }

  /** Leaves a message for the next page that reads `flashes`. */
  flash(message: string, category = "message"): void {
    this.#visit.beginChange();
    this.#visit.draft.flash({ message, category });
  }

  /**
   * The messages that wait, oldest first, or those of one category. Reading removes them, except on HEAD and prefetch
   * requests, which show nobody anything.
   */
  flashes({ category }: { readonly category?: string } = {}): Flash[] {
    const { draft, request, isClosed } = this.#visit;
    return draft.flashes(category, !isClosed && !isUnseen(request));
  }

  /** Whether the cookie outlives the browser, and `permanentLifetime` holds. */
  get permanent(): boolean {
    return this.#visit.record.permanent;
  }

  set permanent(permanent: boolean) {
    this.#visit.beginChange();
    this.#visit.permanent = permanent;
  }

  /**
   * Signs a user in: a new id, both clocks from zero, and the old id is dead (OWASP ASVS 5, 7.2.4). Data of the visitor's
   * own stays; data of another user who was signed in is dropped. A number is kept as a string. Throws a `TypeError` for
   * an empty id.
   */
  login(userId: string | number, { permanent, device }: LoginOptions = {}): void {
    this.#visit.beginChange();
    this.#visit.login(checkUserId(userId));
    if (permanent !== undefined) this.#visit.permanent = permanent;
    this.#visit.device = device ?? null;
  }

  /** Drops all data and ends the id. What is set or flashed afterwards begins a new session. */
  logout(): void {
    this.#visit.beginChange();
    this.#visit.end();
  }

  /** As `login` was given it, as a string; null while nobody is signed in. */
  get userId(): string | null {
    return this.#visit.record.userId;
  }

  /** When the user signed in, in milliseconds since 1970; null while nobody is, and in Flask's format. */
  get authenticatedAt(): number | null {
    return this.#visit.record.authenticatedAt;
  }

  /**
   * Whether the user signed in at most this long ago (OWASP ASVS 5, 7.5.1: ask again before something sensitive). False
   * while nobody is signed in. Flask's format knows no time and answers with Flask-Login's `_fresh`.
   */
  isFresh(within: Duration): boolean {
    const { userId, authenticatedAt, fresh } = this.#visit.record;
    const withinMs = parseDuration(within, "isFresh(within)");
    if (userId === null) return false;
    if (authenticatedAt === null) return fresh === true;
    return this.#visit.rules.now() - authenticatedAt <= withinMs;
  }

  /** Gives the session a new id and ends the old one; data, login and clocks stay. For a change of privilege. */
  rotate(): void {
    this.#visit.beginChange();
    this.#visit.rotate();
  }

  /** Drops all data and ends the id, as `logout` does, and no new session may begin in this request. */
  destroy(): void {
    this.#visit.beginChange();
    this.#visit.destroy();
  }

  /** Names the session in lists and logs: 22 characters, another one after `login` and `rotate`. Opens nothing. */
  get id(): string {
    return this.#visit.record.id;
  }

  /** Whether no valid session came with the request. */
  get isNew(): boolean {
    return this.#visit.loaded.record === null;
  }

  /** Milliseconds since 1970, from the beginning or the last login; null in Flask's format. */
  get createdAt(): number | null {
    return this.#visit.record.createdAt;
  }

  /** When the session ends unless it is visited again, in milliseconds since 1970. */
  get expiresAt(): number {
    const { record, rules, loaded, isChanged } = this.#visit;
    const isWritten = !this.#visit.isClosed && (isChanged || loaded.renewalDue || loaded.record === null);
    return rules.expiresAt(isWritten ? { ...record, renewedAt: rules.now() } : record);
  }

  /**
   * A token for a form or a header that {@link Session.checkCsrfToken} accepts in this session, until login or rotate.
   * Another text each time. For those who must have one: requests from other sites are refused without it. Asking for it
   * stores something, so the visitor gets a cookie.
   */
  csrfToken(): string {
    this.#visit.beginChange();
    return this.#csrf.issue(this.#visit);
  }

  /** False for any text that is not a token of this session. */
  checkCsrfToken(text: string): boolean {
    return this.#csrf.check(this.#visit, text);
  }
}

/** The other half of a session, for `Sessions.commit`; no part of the public face. */
export function visitOf<Data extends object>(session: Session<Data>): Visit {
  return readVisit(session);
}

function checkUserId(userId: string | number): string {
  if (userId === "" || !(typeof userId === "string" || Number.isSafeInteger(userId))) {
    throw new TypeError("session.login needs a user id: text that is not empty, or a whole number");
  }
  return String(userId);
}

/** Whether nobody sees the answer: HEAD, or a page that the browser fetches in case it is wanted. */
function isUnseen(request: OpenRequest): boolean {
  if (request.method === "HEAD") return true;
  const purpose = request.header("sec-purpose") ?? request.header("purpose") ?? request.header("x-moz") ?? "";
  return purpose.toLowerCase().includes("prefetch");
}
