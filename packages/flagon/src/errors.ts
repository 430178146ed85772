/** Why a {@link SessionError} was thrown. Codes are stable; messages are not. */
export type SessionErrorCode =
  | "cookie_too_large"
  | "cross_site_request"
  | "session_conflict"
  | "session_too_large"
  | "store_unavailable"
  | "store_timeout"
  | "store_full"
  | "store_corrupt";

/** What a {@link SessionError} can be made with. */
export interface SessionErrorOptions extends ErrorOptions {
  /** Further headers of the response that tells of it. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The world failing: a store that is down, a cookie that cannot hold what was stored, a request from another site.
 * A developer's mistake is a `TypeError`; what a visitor's cookie contains is never an error.
 *
 * `status`, `statusCode`, `headers` and `expose` are the names by which Express, Koa, Fastify and h3 answer an error,
 * and {@link SessionError.getResponse} is Hono's, so that each framework's own error path sends the right status.
 * The message never holds a secret, a MAC or a cookie's value.
 */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code: SessionErrorCode;
  /** The HTTP status that tells a client what happened: 403, 500 or 503. */
  readonly status: number;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(code: SessionErrorCode, message: string, options?: SessionErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = code === "cross_site_request" ? 403 : code.endsWith("too_large") ? 500 : 503;
    this.#headers = { ...(this.status === 503 && { "retry-after": "5" }), ...options?.headers };
  }

  /**
   * `retry-after` (seconds) with a 503, else empty. Where a new cookie was made and the store gave no answer, also `set-cookie`
   * with it and `cache-control`: whether the one before still opens the session, nobody knows. Shown by no log.
   */
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  /** The same number as `status`, under the name that Fastify and connect read. */
  get statusCode(): number {
    return this.status;
  }

  /** Whether the message may be shown to the client: true for a refusal (403), false for what failed on the server. */
  get expose(): boolean {
    return this.status < 500;
  }

  /** A plain-text response that says this; Hono asks its errors for one. */
  getResponse(): Response {
    return new Response(this.expose ? this.message : "the session is not available", {
      status: this.status,
      headers: { ...this.headers, "cache-control": "no-store" },
    });
  }
}

/** By name, since a bundler may have put a second copy of the class into an app. */
export function isSessionError(error: unknown): error is SessionError {
  return error instanceof Error && error.name === "SessionError";
}

const failures = new WeakSet<object>();

/** Makes a call that an option of the app's may fail in, its secret, clock, schema or codec. A text thrown becomes an `Error`. */
export function callOption<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    failures.add(failure);
    throw failure;
  }
}

/** Whether it was the session that failed, or an option it was made with, and not the handler that looked at it. */
export function isSessionFailure(error: unknown): error is Error {
  return isSessionError(error) || failures.has(Object(error));
}

/** What a store answered is nothing that Flagon wrote there. */
export function storeCorrupt(message: string, options?: ErrorOptions): SessionError {
  return new SessionError("store_corrupt", message, options);
}

/** An engine that takes no write, and removes what there is: the stores here say so where theirs says that it is full. */
export function storeFull(cause: unknown): SessionError {
  return new SessionError("store_full", "the session store is full", { cause });
}

/** Whether the store gave no answer in time: whoever asks it for more waits as long again. */
export function isTimeout(error: unknown): boolean {
  return error instanceof SessionError && error.code === "store_timeout";
}

/** Whether a session was larger than browsers keep a cookie. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof SessionError && error.code === "cookie_too_large";
}

/**
 * Why a cookie was refused. The visitor never learns which: every reason gives the same new session. It is in the
 * `flagon:reject` event.
 */
export type RejectReason =
  | "malformed"
  | "unknown_key"
  | "hour"
  | "forged"
  | "expired"
  | "from_the_future"
  | "ended"
  | "unreadable"
  | "unknown_id"
  | "schema";
