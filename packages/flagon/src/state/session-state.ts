import type { Buffer } from "node:buffer";
import type { CsrfGround, OpenRequest, SessionRecord } from "../codec.ts";
import { encodeBase64url, randomBytes } from "../crypto/bytes.ts";
import { emit } from "../events.ts";
import { publicId } from "../formats/public-id.ts";
import type { DataCheck } from "./schema.ts";
import { TrackedData, type ValueText } from "./tracked-data.ts";

/** What every session of one `Sessions` goes by. */
export interface SessionRules {
  readonly now: () => number;
  /** When the session ends unless it is renewed. */
  readonly expiresAt: (record: SessionRecord) => number;
  /** When it ends at the latest. */
  readonly absoluteEnd: (record: SessionRecord) => number;
  readonly print: ValueText;
  /** The user's schema. */
  readonly schema: DataCheck | null;
  /** What the session's CSRF tokens are made of, for each secret in use; `isAsked`: a token is about to be made. */
  readonly csrfMacs: (session: CsrfGround, isAsked: boolean) => readonly Buffer[];
  /** The id of the session that begins where the one with this id just ended. */
  readonly idAfter: (id: string) => string;
}

/** What a request's cookie stands for. */
export interface LoadedSession {
  /** Null when no valid session came with the request. */
  readonly record: SessionRecord | null;
  /** The id of the session that the cookie names without opening it: a sign-out still means that one. */
  readonly named?: string;
  /** The id of what begins in this request; random where none is given. */
  readonly nextId?: string;
  /** The session was ended or rotated moments ago: this request keeps nothing and sets no cookie. */
  readonly isSuperseded?: boolean;
  /** Whether the browser gets a new cookie, or the row new clocks, although nothing changed. */
  readonly renewalDue?: boolean;
}

/** A backend's side of one request. */
export interface SessionHandle {
  /** Called at the first look. Throws what the backend failed with: a store that is down fails only who looks. */
  load(): LoadedSession;
  /** The Set-Cookie lines that tell the browser what became of the session; called only when it was looked at. */
  save(state: SessionState): string[] | Promise<string[]>;
  /**
   * Stores what was changed so far, and has the state go on from there; what it says to the browser goes with `save`.
   * Rejects when the changes were dropped. Cookies leave with the head: for them it checks size and schema, and throws.
   */
  flush(state: SessionState): void | Promise<void>;
}

/**
 * What one request does with its session, from the first look on: what was loaded, what is to change, whether the opened
 * session ends. No I/O: a backend loads it before and saves it after. The session may end and another begin in one request
 * (`logout`, then `flash`).
 */
export class SessionState extends TrackedData {
  readonly request: OpenRequest;
  readonly rules: SessionRules;
  readonly handle: SessionHandle;
  /** What the request came with. */
  loaded: LoadedSession;
  /** When the request came, in milliseconds since 1970: a sign-in counts from then. */
  readonly openedAt: number;
  /** Whether the session that the request came with is to end. */
  isEnded = false;
  /** What a login said of the device; null without a login. */
  device: string | ((name: string | null) => string | null) | null = null;
  isLogin = false;
  #rotates = false;
  /** Whether the session is kept although it holds nothing. */
  #isKept = false;
  /** What the session was loaded as; null for one that begins in this request. */
  #origin: SessionRecord | null;

  /** Throws what the backend failed with. */
  constructor(request: OpenRequest, rules: SessionRules, handle: SessionHandle, openedAt: number) {
    const found = handle.load();
    const origin = found.record && readBy(rules, found.record);
    super(origin ?? freshRecord(rules, openedAt, found.nextId), rules.print);
    this.request = request;
    this.rules = rules;
    this.handle = handle;
    this.loaded = { ...found, record: origin };
    this.openedAt = openedAt;
    this.#origin = origin;
    emit("flagon:open", () => ({ id: origin && publicId(origin), userId: origin?.userId ?? null }));
  }

  /** Keeps the session although it holds nothing. One that was kept before needs no writing for that. */
  keep(): void {
    this.#isKept ||= this.#origin === null;
  }

  /** Gives the session a new generation, and so its browser a new cookie. Id, data and clocks stay. */
  rotate(): void {
    if (this.#origin === null) return;
    this.#rotates = true;
    this.record.generation = this.#origin.generation + 1;
  }

  login(userId: string): void {
    const { userId: before } = this.record;
    if (before !== null && before !== userId) this.end();
    this.rotate();
    const { record, openedAt } = this;
    record.signInId ||= randomBytes(4).readUInt32BE() || 1;
    Object.assign(record, { userId, createdAt: openedAt, authenticatedAt: openedAt, fresh: true });
    record.since = record.generation;
    this.isLogin = true;
  }

  /** Ends the session; what is stored afterwards begins another. */
  end(): void {
    const { record, named } = this.loaded;
    const ended = record?.id ?? named;
    this.isEnded = ended !== undefined;
    this.#origin = null;
    this.#rotates = false;
    this.#isKept = false;
    this.isLogin = false;
    this.device = null;
    const { rules, openedAt } = this;
    this.restart(freshRecord(rules, openedAt, ended === undefined ? undefined : rules.idAfter(ended)));
  }

  /** Goes on from what is stored now; what is changed from here on is changed over that. */
  settle(loaded: LoadedSession): void {
    this.loaded = loaded;
    this.#origin = loaded.record;
    this.isEnded = false;
    this.isLogin = false;
    this.#rotates = false;
    this.#isKept = false;
    this.goOnFrom(loaded.record ?? freshRecord(this.rules, this.openedAt, loaded.nextId));
  }

  /** Whether there is something to write that was not there before. */
  get isChanged(): boolean {
    const isCleared = this.#origin !== null && this.isCleared;
    return isCleared || this.isEnded || this.isRotated || this.#isFilled;
  }

  /** Whether the opened session is to have a new cookie, the one before being dead from then on. */
  get isRotated(): boolean {
    return this.#origin !== null && (this.#rotates || this.record.permanent !== this.#origin.permanent);
  }

  /** Whether the absolute time counts anew, or is another. */
  get hasNewEnd(): boolean {
    return this.isLogin || (this.#origin !== null && this.record.permanent !== this.#origin.permanent);
  }

  /** Whether the session is kept even if it only began in this request. */
  get #isFilled(): boolean {
    return this.#isKept || this.isLogin || this.isDataChanged;
  }

  /** The record to write. Null when the session ended and none began. */
  result(): SessionRecord | null {
    if (this.#origin === null && !this.#isFilled) return null;
    const { rules } = this;
    rules.schema?.check(this.record.data);
    const record = { ...this.record, renewedAt: rules.now() };
    if (this.#origin === null || this.hasNewEnd) record.endsAt = rules.absoluteEnd(record);
    return record;
  }
}

/** The record with what the user's schema makes of its data. */
export function readBy({ schema }: SessionRules, record: SessionRecord): SessionRecord {
  if (schema === null) return record;
  const data = schema.read(record.data);
  if (data === null) emit("flagon:reject", () => ({ reason: "schema" }));
  return { ...record, data: data ?? {} };
}

function freshRecord({ schema }: SessionRules, moment: number, id: string | undefined): SessionRecord {
  return {
    id: id ?? encodeBase64url(randomBytes(16)),
    generation: 0,
    since: 0,
    signInId: 0,
    permanent: false,
    createdAt: moment,
    authenticatedAt: null,
    renewedAt: moment,
    rotatedAt: moment,
    endsAt: 0,
    userId: null,
    data: schema?.read({}) ?? {},
    flashes: [],
  };
}
