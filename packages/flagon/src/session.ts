import type { Flash, OpenRequest } from "./codec.ts";
import { Buffer } from "./crypto/bytes.ts";
import { createCsrfToken, isCsrfToken } from "./crypto/csrf-token.ts";
import { isSessionError } from "./errors.ts";
import { publicId } from "./formats/public-id.ts";
import type { ResponseHead } from "./http/headers.ts";
import type { RegisteredData } from "./register.ts";
import type { SessionState } from "./state/session-state.ts";
import { protectMembers } from "./state/shared-members.ts";
import { type Duration, parseDuration } from "./util/duration.ts";
import { checkNames } from "./util/option-names.ts";

/** The keys of a session's data. */
export type Key<Data> = keyof Data & string;

/** What `session.login` may be told. */
export interface LoginOptions {
  /** True: the session outlives the browser, for `permanentLifetime`. False: it does not. Left out: stays as it is. */
  readonly permanent?: boolean;
  /**
   * What the person's list of devices shows, such as "Work laptop", or what makes it of the default: a short reading of User-Agent and
   * Sec-CH-UA, such as "Firefox on Linux", null where they say nothing. Called when the sign-in is stored, and only in a store; null
   * shows nothing, and what it throws fails the sign-in.
   */
  readonly device?: string | ((name: string | null) => string | null);
}

const ELSEWHERE = "from outside a request use sessions.update(session.id, …)";
const RESPONSE = `the session was changed after the response had started; ${ELSEWHERE}`;
const SOCKET = `a socket's handshake can only read its session; ${ELSEWHERE}`;
const DESTROYED = "the session was changed after destroy()";

/** What a request's handler came to. `saved`: a `save` that may still be under way. */
export interface ClosedSession {
  readonly state: SessionState;
  readonly saved: Promise<void> | null;
}

/**
 * How a session is opened: "early", while it can be saved; "late", to be read only; "unreadable" where it could not be, and
 * nobody is left to tell.
 */
export type Look = "early" | "late" | "unreadable";

/**
 * Ends the handler's part: null when nobody looked at the session, or it was closed before. `head` is the response's, for
 * looks that come later.
 */
export let close: <D extends object>(session: Session<D>, head?: ResponseHead) => ClosedSession | null;

/**
 * One visitor's session during one request. The same object whatever the backend; nothing here does I/O. The first
 * look at it opens the cookie, and throws a `SessionError` with `status` 503 when a store could not be asked.
 *
 * Once the response's head has left, everything that changes it throws a `TypeError`, since it could not be kept. Reading
 * goes on, for log lines and streamed bodies. When the response is over and the session could not be loaded, it reads as a
 * new one: nobody is left to tell, and the log's listener must not end the process. A socket's handshake has no such head, and its
 * session is only read; `sessions.update` changes it.
 *
 * What is put on the object itself, or assigned to it, is a `TypeError` that names the method to use. `JSON.stringify`,
 * spread and `console.log` show nothing of it: `Object.fromEntries(session.entries())` is its data.
 */
export class Session<Data extends object = RegisteredData> {
  readonly #request: OpenRequest;
  readonly #open: (look: Look) => SessionState;
  #state: SessionState | null = null;
  /** Why the session may no longer be changed; null while it may. */
  #over: string | null = null;
  #saved: Promise<void> | null = null;
  #head: ResponseHead | undefined;

  static {
    close = (session, head) => {
      const isOpen = session.#over === null || session.#over === DESTROYED;
      const state = isOpen ? session.#state : null;
      session.#over = RESPONSE;
      session.#head = head;
      return state && { state, saved: session.#saved };
    };
  }

  /** Made by `Sessions.open`; the first look calls `open`. @internal */
  constructor(request: OpenRequest, open: (look: Look) => SessionState) {
    this.#request = request;
    this.#open = open;
    if (request.isUpgrade) this.#over = SOCKET;
    Object.preventExtensions(this);
  }

  /** What each reader goes through: the first one opens the session. */
  #look(): SessionState {
    if (this.#state !== null) return this.#state;
    if (this.#over !== null) this.#noteLateLook();
    try {
      this.#state = this.#open(this.#over === null ? "early" : "late");
    } catch (error) {
      if (!this.#request.isAnswered || !isSessionError(error)) throw error;
      this.#over = RESPONSE;
      this.#state = this.#open("unreadable");
    }
    return this.#state;
  }

  /** Once the response is over nothing of it can still be the visitor's, and there is nothing to warn of. */
  #noteLateLook(): void {
    const [request, head] = [this.#request, this.#head];
    if (head === undefined || request.isAnswered) return;
    import("./state/late-look.ts").then(({ warnOfLateLook }) => warnOfLateLook(request, head)).catch(() => {});
  }

  /** What each change goes through. */
  #change(): SessionState {
    // Asked again after the look, which may find that nothing can be kept any more.
    const state = this.#over === null ? this.#look() : null;
    if (state === null || this.#over !== null) throw new TypeError(this.#over as string);
    return state;
  }

  /** Undefined for a key that is not there. An object that comes back may be changed in place: the change is kept. */
  get<K extends Key<Data>>(key: K): Data[K] | undefined {
    return this.#look().get(key) as Data[K] | undefined;
  }

  /** As `get`, and the key is gone afterwards. */
  pop<K extends Key<Data>>(key: K): Data[K] | undefined {
    const value = this.get(key);
    this.delete(key);
    return value;
  }

  /**
   * Takes JSON, and `Date`, `bigint`, `Uint8Array`, `Map`, `Set`, which come back as what they were. Throws a `TypeError`
   * that names the key for what cannot be carried exactly: functions, class instances, circles.
   */
  set<K extends Key<Data>>(key: K, value: Data[K]): this {
    this.#change().set(key, value);
    return this;
  }

  has(key: Key<Data>): boolean {
    return this.#look().has(key);
  }

  /** Whether the key was there. */
  delete(key: Key<Data>): boolean {
    return this.#change().delete(key);
  }

  /** Drops all data. The sign-in, waiting flashes and the session itself stay; `logout` drops those too. */
  clear(): void {
    const state = this.#change();
    if (this.size > 0) state.clear();
  }

  keys(): Key<Data>[] {
    return this.#look().keys() as Key<Data>[];
  }

  entries(): [Key<Data>, Data[Key<Data>]][] {
    return this.keys().map((key) => [key, this.get(key) as Data[Key<Data>]]);
  }

  /** How many keys there are. */
  get size(): number {
    return this.#look().keys().length;
  }

  /**
   * Sets the key to what `step` makes of its value, and returns that. In a store `step` runs again over the newer value
   * when another request got there first, so a counter never loses a count; it must do nothing but compute.
   */
  update<K extends Key<Data>>(key: K, step: (value: Data[K] | undefined) => Data[K]): Data[K] {
    return this.#change().update(key, step as (value: unknown) => unknown) as Data[K];
  }

  /** Leaves a message for the next page that reads `flashes`. */
  flash(message: string, category = "message"): void {
    this.#change().flash({ message, category });
  }

  /**
   * The messages that wait, oldest first, or those of one category. Reading removes them, except on HEAD and prefetch
   * requests, which show nobody anything.
   */
  flashes({ category }: { readonly category?: string } = {}): Flash[] {
    const state = this.#look();
    return state.flashes(category, this.#over === null && !isUnseen(state.request));
  }

  /** Whether the cookie outlives the browser, and `permanentLifetime` holds. To change it gives the browser a new cookie. */
  get permanent(): boolean {
    return this.#look().record.permanent;
  }

  set permanent(permanent: boolean) {
    this.#change().record.permanent = permanent;
  }

  /**
   * Signs a user in: a new cookie, both clocks from zero, and the old cookie is dead (OWASP ASVS 5, 7.2.4). `session.id` is
   * another one from here on, unless this user was signed in before. Data of the visitor's own stays; where another user was
   * signed in, that session ends with its data and another begins. A number is kept as a string. Throws a `TypeError` for a user
   * id that is empty or of more than 65,535 bytes, and for an option that does not exist.
   */
  login(userId: string | number, options: LoginOptions = {}): void {
    const state = this.#change();
    const { permanent, device } = options;
    checkNames(options, "permanent device", "session.login");
    // As long as one may be in what seals a row.
    if (Buffer.byteLength(String(userId)) > 65_535)
      throw new TypeError("session.login: a user id takes 65,535 bytes at most");
    if (userId === "" || !(typeof userId === "string" || Number.isSafeInteger(userId))) {
      throw new TypeError("session.login needs a user id, text or a number");
    }
    state.login(String(userId));
    state.record.permanent = permanent ?? state.record.permanent;
    state.device = device ?? null;
  }

  /** Drops all data and ends the session. What is set or flashed afterwards begins another one, with an id of its own. */
  logout(): void {
    this.#change().end();
  }

  /** As `login` was given it, as a string; null while nobody is signed in. */
  get userId(): string | null {
    return this.#look().record.userId;
  }

  /** When the user signed in, in milliseconds since 1970; null while nobody is, and in Flask's format. */
  get authenticatedAt(): number | null {
    return this.#look().record.authenticatedAt;
  }

  /**
   * Whether the user signed in at most this long ago (OWASP ASVS 5, 7.5.1: ask again before something sensitive). False
   * while nobody is signed in. Flask's format knows no time and answers with Flask-Login's `_fresh`.
   */
  isFresh(within: Duration): boolean {
    const { record, rules } = this.#look();
    const withinMs = parseDuration(within, "isFresh(within)");
    const { userId, authenticatedAt, fresh = false } = record;
    return userId !== null && (authenticatedAt === null ? fresh : rules.now() - authenticatedAt <= withinMs);
  }

  /**
   * Gives the browser a new cookie, and the old one is dead; `id`, data, sign-in and clocks stay. For a change of privilege. Does
   * nothing for a session that begins in this request.
   */
  rotate(): void {
    this.#change().rotate();
  }

  /**
   * Resolves when what was changed so far is stored, so that an e-mail or another server may be told of it before the response
   * goes out. Rejects with a `SessionError` "session_conflict" when it was dropped: the session is over, or somebody else signed
   * in. After a login or `rotate` the new cookie goes out with whatever response comes, an error's too. Sealed cookies go with the
   * response's head: for them it checks size and schema. After the head it rejects with a `TypeError`. Nobody has to call it for
   * the request's own sake: what changed is stored before the first byte.
   */
  async save(): Promise<void> {
    // To have ended the session is a change as well.
    const state = this.#over === DESTROYED ? this.#look() : this.#change();
    const before = this.#saved;
    const mine = (async () => {
      await before;
      await state.handle.flush(state);
    })();
    // Whoever waits learns of it; the commit only has to know that it is through.
    this.#saved = mine.catch(() => {});
    await mine;
  }

  /** Drops all data and ends the session, as `logout` does, and no new one may begin in this request. */
  destroy(): void {
    this.#change().end();
    this.#over = DESTROYED;
  }

  /**
   * Names the session in lists, logs and forms, and for `sessions.update`, `revoke` and `except`: 27 characters, one for a
   * visitor, another from the sign-in on, then the same until the session is over, whatever cookies it is given. Opens nothing.
   */
  get id(): string {
    return publicId(this.#look().record);
  }

  /** Whether no valid session came with the request. */
  get isNew(): boolean {
    return this.#look().loaded.record === null;
  }

  /** Milliseconds since 1970, from the beginning or the last login; null in Flask's format. */
  get createdAt(): number | null {
    return this.#look().record.createdAt;
  }

  /** When the session ends unless another request comes with it, in milliseconds since 1970. */
  get expiresAt(): number {
    const { record, rules, loaded, isChanged } = this.#look();
    const isWritten = this.#over === null && (isChanged || loaded.renewalDue);
    return rules.expiresAt(isWritten ? { ...record, renewedAt: rules.now() } : record);
  }

  /**
   * A token for a form or a header that {@link Session.checkCsrfToken} accepts in this session, until login or rotate.
   * Another text each time. For those who must have one: requests from other sites are refused without it. Asking for it
   * stores something, so the visitor gets a cookie.
   */
  csrfToken(): string {
    const state = this.#change();
    state.keep();
    return createCsrfToken(state.rules.csrfMacs(state, true));
  }

  /** False for any text that is not a token of this session. */
  checkCsrfToken(text: string): boolean {
    const state = this.#look();
    return isCsrfToken(text, state.rules.csrfMacs(state, false));
  }
}
protectMembers(Session);

/** Whether nobody sees the answer: HEAD, or a page that the browser fetches in case it is wanted. */
function isUnseen(request: OpenRequest): boolean {
  const purpose = ["sec-purpose", "purpose", "x-moz"].map((name) => request.header(name));
  return request.method === "HEAD" || /prefetch/i.test(purpose.join());
}
