import { createHmac } from "node:crypto";
import type { SessionBackend, SessionInfo } from "./backends/backend.ts";
import { cookieBackend } from "./backends/cookie.ts";
import { cookieReader } from "./backends/cookie-reader.ts";
import { lazyBackend } from "./backends/lazy.ts";
import type { CodecContext, OpenRequest } from "./codec.ts";
import { encodeBase64url, randomBytes } from "./crypto/bytes.ts";
import { KeyRing } from "./crypto/keys.ts";
import { callOption } from "./errors.ts";
import { publicId } from "./formats/public-id.ts";
import { sealed } from "./formats/sealed-cookie.ts";
import { valueText } from "./formats/values.ts";
import { responseHeaders } from "./http/cache-headers.ts";
import { createCookie } from "./http/cookie.ts";
import { crossSiteCheck } from "./http/cross-site.ts";
import type { HeaderLine, ResponseHead } from "./http/headers.ts";
import { isLoopbackVisit } from "./http/loopback.ts";
import { checkOptions, type SessionOptions } from "./options.ts";
import type { RegisteredData } from "./register.ts";
import { close, type Look, Session } from "./session.ts";
import { Lifetimes } from "./state/lifetime.ts";
import { createDataCheck } from "./state/schema.ts";
import { type SessionHandle, type SessionRules, SessionState } from "./state/session-state.ts";
import { isDevelopment, isProduction } from "./util/environment.ts";
import { Moments } from "./util/moment.ts";
import { isPromise } from "./util/promise.ts";

/** The sessions of one app: opens one for each request, and commits it before the response's first byte. */
export interface Sessions<Data extends object = RegisteredData> {
  /**
   * The session of a request; with sealed cookies at once, with a store, `revocations` or `upgradeFrom` as a promise or at
   * once. Throws, or rejects with, a `SessionError` with `status` 403 for a request that another site made the browser send. What the cookie holds is never
   * an error; a store that fails throws at the first look, so that routes that don't look go on.
   */
  open(request: OpenRequest): Session<Data> | Promise<Session<Data>>;
  /**
   * Saves what changed and returns the header lines to send: append the `Set-Cookie` lines, set the others. Empty for a
   * session that nobody looked at. Call it once for each request, before the first byte; a second call returns none.
   * `response` tells what the app has set, so that `Vary` is merged and a stricter `Cache-Control` kept; of a session that
   * nobody looked at it is asked later, when somebody does.
   * Throws, or rejects with, a `SessionError` when the session could not be saved: its `headers` belong into the answer. The
   * browser keeps what it has, unless a new cookie is among them.
   */
  commit(session: Session<Data>, response?: ResponseHead): HeaderLine[] | Promise<HeaderLine[]>;
  /**
   * A user's live sessions, last seen first; `current`, the request's own `session.id`, marks one of them. Needs a store: a
   * `TypeError` without one.
   */
  list(userId: string | number, options?: { readonly current?: string }): Promise<SessionInfo[]>;
  /**
   * Ends the session with this `session.id` at once; with `userId`, only if it is that user's. Resolves whether it ended it:
   * false for an unknown id, for a session that is over, or that somebody has signed in to since (the id was a visitor's).
   * With `revocations`, a session that was never ended or rotated is known by its id alone: there it resolves true, and with
   * `userId` for a visitor's id false. A `TypeError` for sealed cookies without `revocations`.
   */
  revoke(id: string, options?: { readonly userId?: string | number }): Promise<boolean>;
  /**
   * Ends all of a user's sessions but `except` (a `session.id`, be it from before the sign-in). A sign-in of that user that is
   * under way is refused, unless it is excepted: a request that does both passes `{ except: session.id }`. A `TypeError` for
   * sealed cookies without `revocations`.
   */
  revokeUser(userId: string | number, options?: { readonly except?: string }): Promise<void>;
  /**
   * Changes a stored session outside its requests: from a socket's handler, a webhook, a job. One compare-and-set as any other
   * change: `change` is synchronous, does nothing but change the session, and runs again where a request was faster. Resolves
   * false, without a change, when the session is over, or somebody has signed in to it since its id was a visitor's. It
   * keeps nobody signed in; with `renew` it counts as a visit, and the idle time begins anew. Rejects with a `TypeError` when
   * `change` is asynchronous, or signs in, rotates, signs out or sets `permanent`, since no browser would learn of it, and for
   * sealed cookies.
   */
  update(
    id: string,
    change: (session: Session<Data>) => void,
    options?: { readonly renew?: boolean },
  ): Promise<boolean>;
  /**
   * For whoever wants to know before the first visitor comes: `await sessions.check()`. Rejects with a `TypeError` while there is
   * no secret, and when the store's clock and this server's are more than five seconds apart (Redis and PostgreSQL tell theirs); with a
   * `SessionError` when the store can't be reached, or takes or gives back no row. It writes one row, and removes it.
   */
  check(): Promise<void>;
  /**
   * How many live sessions there are, visitors' and users', with whatever else lives in the same table. Rejects with a `TypeError`
   * for sealed cookies, and for Redis, which could only tell by reading all its keys.
   */
  count(): Promise<number>;
  /**
   * Removes expired rows, in batches; resolves how many. For a cron job: the SQL stores do it by themselves (their option
   * `prune`), and Redis expires rows. 0 for sealed cookies.
   */
  prune(): Promise<number>;
}

/**
 * Makes the sessions of an app. Throws a `TypeError` for options that cannot work. Takes no random bytes, no timer and no
 * look at the clock: Workers forbid them while a module loads.
 */
export function createSessions<Data extends object = RegisteredData>(options: SessionOptions<Data>): Sessions<Data> {
  checkOptions(options);
  const { codec = sealed, csrf = true, schema, now: clock = Date.now, app = "", cache = 1_000, cookie = {} } = options;
  // Cookies and rows hold whole milliseconds; a clock such as `performance.now` has more.
  const now = (): number => Math.floor(callOption(clock));
  const lifetimes = new Lifetimes(options.lifetime, options.permanentLifetime);
  const keys = new KeyRing(options.secret, app);
  const context: CodecContext = { keys, now, longestLifetimeMs: lifetimes.longestMs, cacheSize: cache, options };
  const format = codec.bind(context);
  const reader = format.reader ?? cookieReader(format, lifetimes, now);
  /** Made of the one before, so that two requests that begin it begin one; a format with ids of its own keeps none of ours. */
  const idAfter = (id: string): string => {
    const key = codec.foreign ? null : keys.current().key("id");
    const bytes = key === null ? randomBytes(16) : createHmac("sha256", key).update(id, "base64url").digest();
    return encodeBase64url(bytes.subarray(0, 16));
  };
  const csrfMacs: SessionRules["csrfMacs"] =
    format.csrfMacs?.bind(format) ??
    (({ record }) => {
      const ground = `${publicId(record)}/${record.generation}`;
      return keys.all().map((each) => createHmac("sha256", each.key("csrf")).update(ground).digest());
    });
  const rules: SessionRules = {
    now,
    idAfter,
    expiresAt: reader.expiresAt,
    absoluteEnd: lifetimes.absoluteEnd,
    print: format.print?.bind(format) ?? valueText,
    schema: schema === undefined ? null : createDataCheck(schema),
    csrfMacs: (...asked) => callOption(() => csrfMacs(...asked)),
  };
  const checkOrigin = csrf === false ? null : crossSiteCheck(csrf === true ? {} : csrf);
  const ownCookie = createCookie(cookie.name ?? codec.cookieName, cookie);
  const loopbackCookie = isProduction() ? null : ownCookie.forLoopback();
  const inDevelopment = isDevelopment();
  let isSecretKnown = codec.foreign === true;
  /** Said with the first request: a build has none, and a health check passes without a secret. */
  const tellOfSecret = (): void => {
    isSecretKnown = true;
    try {
      keys.current();
    } catch (error) {
      globalThis.process?.emitWarning?.(`${error}`, { type: "FlagonWarning", code: "FLAGON_SECRET" });
    }
  };
  /** In so many answers with a cookie is looked at whether browsers keep it. */
  let looks = 100;
  const tellOfDropped = (request: OpenRequest, [line]: readonly string[]): void => {
    if (line === undefined || looks === 0 || !(cookie.domain || request.url.startsWith("http:"))) return;
    looks--;
    import("./http/dropped-cookie.ts")
      .then(({ warnOfDroppedCookie }) => warnOfDroppedCookie(request, line))
      .catch(() => {});
  };
  const isServerSide = (options.store ?? options.revocations ?? options.upgradeFrom) !== undefined;
  const moments = new Moments(now);
  const parts = { context, lifetimes, format, reader, rules, moments };
  // The one place where a backend is chosen.
  const backend: SessionBackend = isServerSide
    ? lazyBackend(async () => (await import("./backends/create-backend.ts")).createBackend(options, parts))
    : cookieBackend(parts);
  const sessionOf = (request: OpenRequest, opened: SessionHandle, openedAt: number, isExempt: boolean) => {
    const handle = isExempt && cookie.sameSite !== "none" ? beginningNone(request, opened) : opened;
    return new Session<Data>(request, (look) =>
      callOption(() => new SessionState(request, rules, handleFor(look, handle), openedAt)),
    );
  };
  return {
    ...backend,
    open(request) {
      if (!isSecretKnown) tellOfSecret();
      const isExempt = checkOrigin?.(request) ?? false;
      const openedAt = moments.afterMarks();
      const isLoopback = loopbackCookie !== null && isLoopbackVisit(request, inDevelopment);
      const handle = backend.open(request, isLoopback ? loopbackCookie : ownCookie);
      return isPromise(handle)
        ? handle.then((found) => sessionOf(request, found, openedAt, isExempt))
        : sessionOf(request, handle, openedAt, isExempt);
    },
    commit(session, response) {
      const closed = close(session, response);
      if (closed === null) return [];
      const { state, saved } = closed;
      // Only a store's `save` is a promise, and whoever did not wait for it waits here.
      const cookies = saved === null ? state.handle.save(state) : saved.then(() => state.handle.save(state));
      const answer = (lines: readonly string[]): HeaderLine[] => {
        tellOfDropped(state.request, lines);
        return responseHeaders(lines, response);
      };
      return isPromise(cookies) ? cookies.then(answer) : answer(cookies);
    },
    async check() {
      if (!codec.foreign) keys.current();
      await (await import("./backends/check.ts")).checkStore(options, now);
    },
  };
}

/** A look that comes too late to save anything takes no old format's session over either. */
function handleFor(look: Look, handle: SessionHandle): SessionHandle {
  if (look === "early") return handle;
  return { load: () => ({ record: look === "late" ? handle.load().record : null }), save: () => [], flush: () => {} };
}

/** For a request that the browser may have sent without its cookie: a session that begins there would replace the visitor's own. */
function beginningNone(request: OpenRequest, handle: SessionHandle): SessionHandle {
  const refuse = ({ isChanged, loaded: { record, named } }: SessionState): Promise<never> | null =>
    isChanged && (record ?? named) == null
      ? import("./http/cross-site-warning.ts").then(({ refuseToReplace }) => refuseToReplace(request))
      : null;
  return {
    load: () => handle.load(),
    save: (state) => refuse(state) ?? handle.save(state),
    flush: (state) => refuse(state) ?? handle.flush(state),
  };
}

/** What every adapter takes: options, or the sessions that were made of them. */
export function sessionsFrom<Data extends object>(given: SessionOptions<Data> | Sessions<Data>): Sessions<Data> {
  return "commit" in given ? given : createSessions(given);
}
