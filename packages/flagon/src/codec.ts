import type { Buffer } from "node:buffer";
import type { KeyRing } from "./crypto/keys.ts";
import type { RejectReason } from "./errors.ts";

/** A message for the next page, as `session.flash` keeps it. */
export interface Flash {
  readonly message: string;
  /** "message" unless `flash` was told otherwise, as in Flask. */
  readonly category: string;
}

/** What one session holds, whichever backend keeps it. Times are milliseconds since 1970. */
export interface SessionRecord {
  /** 16 random bytes as 22 characters of base64url: the same from the session's beginning until it is over. */
  id: string;
  /** Counts the session's cookies, from 0: only the one of the present generation opens it. */
  generation: number;
  /** The generation with which the latest sign-in began. */
  since: number;
  /** Four random bytes as a number, from a user's first sign-in on; 0 while nobody has signed in. */
  signInId: number;
  permanent: boolean;
  /** Null in a format that does not know it (Flask). */
  createdAt: number | null;
  /** When the person signed in; null while nobody is signed in, or in a format that does not know it. */
  authenticatedAt: number | null;
  /** When the cookie was last written: the idle time counts from here. */
  renewedAt: number;
  /** When the present generation began. */
  rotatedAt: number;
  /** Over at the latest then: a later change of `lifetime` can bring it forward and never put it off. */
  endsAt: number;
  userId: string | null;
  data: Record<string, unknown>;
  flashes: Flash[];
  /** Set by a format that keeps freshness as a flag rather than a time (Flask-Login's `_fresh`). */
  fresh?: boolean;
  /** It began in an older format, whose cookie might open it again: its row remembers that. */
  isMoved?: boolean;
  /** An older secret opened it: it is written again with the current one. */
  outdated?: boolean;
  /**
   * What the format read and has no other place for, handed back to it untouched at `seal`. It goes with the session that
   * was opened: `logout`, `destroy` and a login that drops another user's data drop it too.
   */
  native?: unknown;
}

/** One request as `open` sees it. Every adapter makes one from its framework's request. */
export interface OpenRequest {
  readonly method: string;
  /** Absolute: scheme and host as far as this server knows them, then path and query. */
  readonly url: string;
  /** A header's value; null or undefined when the request has none. `name` is in lower case. */
  header(name: string): string | null | undefined;
  /**
   * The client's address, where the framework knows it: the connection's own, or what a proxy says that the app trusts. With
   * `httpVersion`, it tells whether browser and server are on one machine.
   */
  readonly address?: string | undefined;
  /** Whether the response is over, sent or broken off, where the framework knows it: asked each time anew. */
  readonly isAnswered?: boolean | undefined;
  /**
   * Whether it asks for another protocol, as a WebSocket's handshake does, and no response comes that a cookie could go with: its
   * session can be read, and not changed.
   */
  readonly isUpgrade?: boolean | undefined;
  /** As `node:http` says it, "1.1" for example; undefined where the framework doesn't know. */
  readonly httpVersion?: string | undefined;
}

/** What a codec is given when `createSessions` makes its own of it. */
export interface CodecContext {
  readonly keys: KeyRing;
  /** The clock in milliseconds. */
  readonly now: () => number;
  /** The longest that any session may live, in milliseconds: an older cookie is refused before any key is derived. */
  readonly longestLifetimeMs: number;
  /** How many verified cookies may be remembered; 0 for none. */
  readonly cacheSize: number;
  /** What `createSessions` was given, for a codec that some of it does not go with: it throws a `TypeError`. */
  readonly options?: object;
}

/** A codec at work for one `Sessions`. Both methods are synchronous. */
export interface CookieFormat {
  /** Reads a cookie's value. Never throws for what a visitor can send: the reason instead. */
  open(value: string, cookieName: string, request: OpenRequest): SessionRecord | RejectReason;
  /** Writes a cookie's value; an empty text deletes the cookie, for a format that keeps no empty sessions (Flask). */
  seal(record: SessionRecord, cookieName: string, request: OpenRequest): string;
  /** How a request's session is found and how long it lasts, where the format has rules of its own (Flask). */
  readonly reader?: CookieReader;
  /**
   * A value's text, another one whenever the value is another. Throws a `TypeError`, naming the key, for a value that the
   * format cannot carry exactly. Absent: Flagon's own rules.
   */
  print?(key: string, value: unknown): string;
  /**
   * Further Set-Cookie values for a commit that writes `record`, or, with null, deletes the session cookie; [] for none.
   * Flask-Login's `remember_token` must go when the person signs out.
   */
  extraCookies?(record: SessionRecord | null, request: OpenRequest): readonly string[];
  /**
   * The record in values that Flagon's own formats can carry: asked once, when `upgradeFrom` takes a session over. Without
   * it, the record is taken as it is.
   */
  convert?(record: SessionRecord): SessionRecord;
  /**
   * What the session's CSRF tokens are made of, 32 bytes each, where it has no lasting id to bind them to (Flask). A token
   * is made of the first, and accepted when it was made of any. `isAsked`: one is about to be made, so that a session
   * without any gets some.
   */
  csrfMacs?(session: CsrfGround, isAsked: boolean): readonly Buffer[];
}

/** A session as far as its CSRF tokens go: what is set is kept. */
export interface CsrfGround {
  readonly record: SessionRecord;
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

/**
 * Why a session that is within its limits is refused all the same; null when it is not. With `since`, in milliseconds since
 * 1970, what became of it before that moment does not count: somebody else has gone on with it (Flask).
 */
export type RejectRecord = (record: SessionRecord, since?: number) => RejectReason | null;

/** Finds a request's session in the cookies of one format, and holds it to its limits. */
export interface CookieReader {
  /**
   * The first cookie's record that opens, is within its limits and that `refuse` has nothing against; null when there is
   * none. A visitor may send several of one name (a subdomain can plant one); they are never merged.
   */
  open(request: OpenRequest, cookieName: string, refuse: RejectRecord): SessionRecord | null;
  /** Why the record's clocks rule it out; null when they don't. */
  limitOf(record: SessionRecord): RejectReason | null;
  /** When the session ends unless it is renewed, in milliseconds since 1970. */
  readonly expiresAt: (record: SessionRecord) => number;
  /** Whether an unchanged session is written again now. */
  isRenewalDue(record: SessionRecord): boolean;
}

/** A format for the session cookie. The default is Flagon's own, `sealed`. */
export interface Codec {
  /** As events name it. */
  readonly name: string;
  /** The cookie's name when the app gave none; without one, `__Host-Http-session` or `__Secure-session`. */
  readonly cookieName?: string;
  /** Whether the format has ids of its own kind, which mean nothing to Flagon. */
  readonly foreign?: boolean;
  bind(context: CodecContext): CookieFormat;
}
