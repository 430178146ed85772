import { createHmac } from "node:crypto";
import type { SessionBackend, SessionInfo } from "./backends/backend.ts";
import { cookieBackend } from "./backends/cookie.ts";
import { cookieReader } from "./backends/cookie-reader.ts";
import { lazyBackend } from "./backends/lazy.ts";
import type { CodecContext, OpenRequest } from "./codec.ts";
import { KeyRing } from "./crypto/keys.ts";
import { callOption } from "./errors.ts";
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
import { isPromise } from "./util/promise.ts";

/** The sessions of one app: opens one for each request, and commits it before the response's first byte. */
export interface Sessions<Data extends object = RegisteredData> {
  /**
   * The session of a request; with sealed cookies at once, with a store, `revocations` or `upgradeFrom` as a promise or at
   * once. Throws, or rejects with, a
   * `SessionError` with `status` 403 for a request that another site made the browser send. What the cookie holds is never
   * an error; a store that fails throws at the first look, so that routes that don't look go on.
   */
  open(request: OpenRequest): Session<Data> | Promise<Session<Data>>;
  /**
   * Saves what changed and returns the header lines to send: append the `Set-Cookie` lines, set the others. Empty for a
   * session that nobody looked at. Call it once for each request, before the first byte; a second call returns none.
   * `response` tells what the app has set, so that `Vary` is merged and a stricter `Cache-Control` kept; of a session that
   * nobody looked at it is asked later, when somebody does.
   * Throws, or rejects with, a `SessionError` when the session could not be saved; the browser then keeps what it has.
   */
  commit(session: Session<Data>, response?: ResponseHead): HeaderLine[] | Promise<HeaderLine[]>;
  /**
   * A user's live sessions, last seen first; `current`, the request's own `session.id`, marks one of them. Needs a store: a
   * `TypeError` without one.
   */
  list(userId: string | number, options?: { readonly current?: string }): Promise<SessionInfo[]>;
  /** Ends one session at once. Does nothing for an unknown id. A `TypeError` for sealed cookies without `revocations`. */
  revoke(id: string): Promise<void>;
  /** Ends all of a user's sessions but `except` (a session's id). A `TypeError` for sealed cookies without `revocations`. */
  revokeUser(userId: string | number, options?: { readonly except?: string }): Promise<void>;
  /** Removes expired rows, in batches; resolves how many. For a cron job. 0 for sealed cookies. */
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
  const opener = format.opener ?? cookieReader(format, lifetimes, now);
  const csrfMacs: SessionRules["csrfMacs"] =
    format.csrfMacs?.bind(format) ??
    (({ record }) => keys.all().map((each) => createHmac("sha256", each.key("csrf")).update(record.id).digest()));
  const rules: SessionRules = {
    now,
    expiresAt: opener.expiresAt,
    print: format.print?.bind(format) ?? valueText,
    schema: schema === undefined ? null : createDataCheck(schema),
    csrfMacs: (...asked) => callOption(() => csrfMacs(...asked)),
  };
  const checkOrigin = csrf === false ? null : crossSiteCheck(csrf === true ? {} : csrf);
  const jar = createCookie(cookie.name ?? codec.cookieName, cookie);
  const loopbackCookie = isProduction() ? null : jar.forLoopback();
  const inDevelopment = isDevelopment();
  const isLate = (options.store ?? options.revocations ?? options.upgradeFrom) !== undefined;
  // The one place where a backend is chosen.
  const backend: SessionBackend = isLate
    ? lazyBackend(async () =>
        (await import("./backends/create-backend.ts")).createBackend(options, { context, lifetimes, format, opener }),
      )
    : cookieBackend({ format, opener, now });
  const sessionOf = (request: OpenRequest, handle: SessionHandle): Session<Data> => {
    return new Session<Data>(request, (look) =>
      callOption(() => new SessionState(request, rules, handleFor(look, handle))),
    );
  };
  return {
    ...backend,
    open(request) {
      checkOrigin?.(request);
      const handle = backend.open(
        request,
        loopbackCookie !== null && isLoopbackVisit(request, inDevelopment) ? loopbackCookie : jar,
      );
      return isPromise(handle) ? handle.then((found) => sessionOf(request, found)) : sessionOf(request, handle);
    },
    commit(session, response) {
      const state = close(session, response);
      if (state === null) return [];
      const cookies = state.handle.save(state);
      return isPromise(cookies)
        ? cookies.then((lines) => responseHeaders(lines, response))
        : responseHeaders(cookies, response);
    },
  };
}

/** A look that comes too late to save anything takes no old format's session over either. */
function handleFor(look: Look, handle: SessionHandle): SessionHandle {
  if (look === "early") return handle;
  return { load: () => ({ record: look === "late" ? handle.load().record : null }), save: () => [] };
}

/** What every adapter takes: options, or the sessions that were made of them. */
export function sessionsFrom<Data extends object>(given: SessionOptions<Data> | Sessions<Data>): Sessions<Data> {
  return "commit" in given ? given : createSessions(given);
}
