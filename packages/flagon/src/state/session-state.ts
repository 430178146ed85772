import type { Buffer } from "node:buffer";
import type { CsrfGround, OpenRequest, SessionRecord } from "../codec.ts";
import { encodeBase64url, randomBytes } from "../crypto/bytes.ts";
import { emit } from "../events.ts";
import type { DataCheck } from "./schema.ts";
import { TrackedData, type ValueText } from "./tracked-data.ts";

/** What a request's cookie stands for. */
export interface LoadedSession {
  /** Null when no valid session came with the request. */
  readonly record: SessionRecord | null;
  /** The cookie's session was ended moments ago by a parallel request: this one keeps nothing and sets no cookie. */
  readonly muted?: boolean;
  /** Whether the browser gets a new cookie although nothing changed. */
  readonly renewalDue?: boolean;
  /** An old format's session that may be taken over only once: it gets a new id, and the old one is remembered. */
  readonly isTakenOver?: boolean;
}

/** A backend's side of one request. */
export interface SessionHandle {
  /** Called once, at the first look. Throws what the backend failed with: a store that is down fails only who looks. */
  load(): LoadedSession;
  /** Told when the session gets a new id: until the commit, `revokeUser` may be told to except it under that one. */
  announce?(id: string, from: string): void;
  /** The Set-Cookie lines that tell the browser what became of the session; called only when it was looked at. */
  save(state: SessionState): string[] | Promise<string[]>;
}

/** What every session of one `Sessions` goes by. */
export interface SessionRules {
  readonly now: () => number;
  readonly expiresAt: (record: SessionRecord) => number;
  readonly print: ValueText;
  /** The user's schema. */
  readonly schema: DataCheck | null;
  /** What the session's CSRF tokens are made of, for each secret in use; `isAsked`: a token is about to be made. */
  readonly csrfMacs: (session: CsrfGround, isAsked: boolean) => readonly Buffer[];
}

/** How the opened session ends, if it does: told apart in events only. */
export type IdChange = "rotated" | "ended";

/**
 * What one request does with its session, from the first look on: what was loaded, what is to change, whether the old id
 * ends. No I/O: a backend loads it before and saves it after. The session may end and another begin in one request (`logout`,
 * then `flash`).
 */
export class SessionState extends TrackedData {
  readonly request: OpenRequest;
  readonly rules: SessionRules;
  readonly handle: SessionHandle;
  /** What the request came with. */
  readonly loaded: LoadedSession;
  /** Null while the opened session goes on under its id. */
  ending: IdChange | null = null;
  /** What a login said of the device; null without a login. */
  device: string | null = null;
  isLogin = false;
  /** Whether the session is kept although it holds nothing. */
  #isKept = false;
  /** What the session was loaded as; null for one that began in this request. */
  #origin: SessionRecord | null;

  /** Throws what the backend failed with. */
  constructor(request: OpenRequest, rules: SessionRules, handle: SessionHandle) {
    const found = handle.load();
    const origin = found.record && readBy(rules, found.record);
    super(origin ?? freshRecord(rules), rules.print);
    this.request = request;
    this.rules = rules;
    this.handle = handle;
    this.loaded = { ...found, record: origin };
    this.#origin = origin;
    emit("flagon:open", () => ({ id: origin?.id ?? null, userId: origin?.userId ?? null }));
    if (found.isTakenOver) this.rotate();
  }

  /** Keeps the session although it holds nothing. One that was kept before needs no writing for that. */
  keep(): void {
    this.#isKept ||= this.#origin === null;
  }

  /** Gives the session a new id and ends the old one. The data stays, and the heir knows its family. */
  rotate(): void {
    const { record } = this;
    record.id = encodeBase64url(randomBytes(16));
    if (this.#origin === null) return;
    this.ending = "rotated";
    record.family ??= this.#origin.id;
    this.handle.announce?.(record.id, this.#origin.id);
  }

  login(userId: string): void {
    const { userId: before } = this.record;
    if (before !== null && before !== userId) this.end();
    this.rotate();
    // Someone who was nobody until now is no heir: a sign-out of the visitor they were does not sign them out.
    if (before === null) delete this.record.family;
    const now = this.rules.now();
    Object.assign(this.record, { userId, createdAt: now, authenticatedAt: now, renewedAt: now, fresh: true });
    this.isLogin = true;
  }

  /** Ends the session; what is stored afterwards begins another. */
  end(): void {
    if (this.loaded.record !== null || this.loaded.muted) this.ending = "ended";
    this.#origin = null;
    this.#isKept = false;
    this.isLogin = false;
    this.device = null;
    this.restart(freshRecord(this.rules));
  }

  /** Whether there is something to write that was not there before. */
  get isChanged(): boolean {
    const origin = this.#origin;
    const isOther = origin !== null && (this.isCleared || this.record.permanent !== origin.permanent);
    return isOther || this.ending !== null || this.#isFilled;
  }

  /** Whether the session is kept even if it only began in this request. */
  get #isFilled(): boolean {
    return this.#isKept || this.isLogin || this.isDataChanged;
  }

  /** The record to write. Null when the session ended and none began. */
  result(): SessionRecord | null {
    if (this.#origin === null && !this.#isFilled) return null;
    this.rules.schema?.check(this.record.data);
    return { ...this.record, renewedAt: this.rules.now() };
  }
}

/** The record with what the user's schema makes of its data. */
export function readBy({ schema }: SessionRules, record: SessionRecord): SessionRecord {
  if (schema === null) return record;
  const data = schema.read(record.data);
  if (data === null) emit("flagon:reject", () => ({ reason: "schema" }));
  return { ...record, data: data ?? {} };
}

function freshRecord({ now, schema }: SessionRules): SessionRecord {
  const moment = now();
  return {
    id: encodeBase64url(randomBytes(16)),
    permanent: false,
    createdAt: moment,
    authenticatedAt: null,
    renewedAt: moment,
    userId: null,
    data: schema?.read({}) ?? {},
    flashes: [],
  };
}
