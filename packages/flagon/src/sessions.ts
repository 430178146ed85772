import type { Codec, CodecContext, OpenRequest } from "./codec.ts";
import type { RegisteredData } from "./index.ts";
import { CookieJar, type CookieOptions } from "./lib/cookie.ts";
import { CookieHome } from "./lib/cookie-home.ts";
import { type CsrfTokens, tokensByData, tokensById } from "./lib/csrf.ts";
import { isProduction } from "./lib/environment.ts";
import { type HeaderLine, isPromise, type ResponseHead } from "./lib/header-lines.ts";
import type { Home, Stay } from "./lib/home.ts";
import { KeyRing } from "./lib/keys.ts";
import { LateHome } from "./lib/late-home.ts";
import { Lifetimes, parseDuration } from "./lib/lifetime.ts";
import { CookieOpener, Upgrade } from "./lib/opening.ts";
import { isPlainLoopback, OriginCheck } from "./lib/origin.ts";
import { linesFor } from "./lib/response-rules.ts";
import { sealed } from "./lib/sealed.ts";
import type { ServerParts } from "./lib/server-homes.ts";
import { createDataCheck } from "./lib/standard-schema.ts";
import { printValue } from "./lib/values.ts";
import { type Rules, Visit } from "./lib/visit.ts";
import { checkOptions, readUntil, type SessionOptions } from "./options.ts";
import { Session, visitOf } from "./session.ts";

/** One of a user's live sessions, for a page that lists devices. Times are milliseconds since 1970. */
export interface SessionInfo {
  /** As `session.id` of the request that owns it, and as `revoke` takes it. */
  readonly id: string;
  readonly createdAt: number;
  /** Exact to a tenth of the idle time. */
  readonly lastSeenAt: number;
  readonly expiresAt: number;
  /** What `login({ device })` was given, else a short reading of the User-Agent; null when that said nothing. */
  readonly device: string | null;
  /** Whether it is the one whose id `list` was given as `current`. */
  readonly isCurrent: boolean;
}

/** The sessions of one app: opens one for each request, and commits it before the response's first byte. */
export interface Sessions<Data extends object = RegisteredData> {
  /**
   * The session of a request; with sealed cookies at once, with a store as a promise. Throws, or rejects with, a
   * `SessionError` with `status` 403 for a request that another site made the browser send. What the cookie holds is never
   * an error; a store that fails throws at the first look, so that routes that don't look go on.
   */
  open(request: OpenRequest): Session<Data> | Promise<Session<Data>>;
  /**
   * Saves what changed and returns the header lines to send: append the `Set-Cookie` lines, set the others. Empty for a
   * session that nobody looked at. Call it once for each request, before the first byte; a second call returns none.
   * `response` tells what the app has set, so that `Vary` is merged and a stricter `Cache-Control` kept.
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
  return new AppSessions(options);
}

/** What every door takes: options, or the sessions that were made of them. */
export function sessionsFrom<Data extends object>(given: SessionOptions<Data> | Sessions<Data>): Sessions<Data> {
  return "commit" in given ? given : createSessions(given);
}

class AppSessions<Data extends object> implements Sessions<Data> {
  readonly #home: Home;
  readonly #rules: Rules;
  readonly #csrfTokens: CsrfTokens;
  readonly #originCheck: OriginCheck | null;
  readonly #upgrades: readonly Upgrade[];
  readonly #jar: CookieJar;
  /** For a loopback host over plain http, where Safari drops Secure cookies; null where that must not happen. */
  readonly #loopbackJar: CookieJar | null;

  constructor(options: SessionOptions<Data>) {
    checkOptions(options);
    const {
      codec = sealed,
      csrf = true,
      schema,
      now: clock = Date.now,
      app = "",
      cache = 1_000,
      cookie = {},
    } = options;
    // Cookies and rows hold whole milliseconds; a clock such as `performance.now` has more.
    const now = (): number => Math.floor(clock());
    const lifetimes = new Lifetimes(options.lifetime, options.permanentLifetime);
    const hoursKept = Math.ceil(lifetimes.longestMs / 3_600_000) + 2;
    const keys = new KeyRing(options.secret, app, 2 * hoursKept);
    const context: CodecContext = { keys, now, longestLifetimeMs: lifetimes.longestMs, cacheSize: cache };
    const opener = new CookieOpener(codec.bind(context), lifetimes, now);
    const upgrades = (options.upgradeFrom ?? []).map((upgrade) => {
      const old = new CookieOpener(upgrade.codec.bind(context), lifetimes, now);
      return new Upgrade(old, upgrade, readUntil(upgrade), now);
    });
    this.#upgrades = upgrades;
    const dataCheck = schema === undefined ? null : createDataCheck(schema);
    this.#home = homeOf(options, { keys, opener, upgrades, now, longestLifetimeMs: lifetimes.longestMs });
    this.#rules = {
      now,
      expiresAt: (record) => opener.expiresAt(record),
      print: opener.format.print?.bind(opener.format) ?? printValue,
      readData: dataCheck?.read ?? null,
      checkData: dataCheck?.check ?? null,
    };
    this.#csrfTokens = codec.foreign ? tokensByData : tokensById(keys);
    this.#originCheck = csrf === false ? null : new OriginCheck(csrf === true ? {} : csrf);
    this.#jar = new CookieJar(cookie.name ?? standardName(codec, cookie), cookie);
    this.#loopbackJar = isProduction() ? null : loopbackJar(this.#jar.name, cookie);
  }

  open(request: OpenRequest): Session<Data> | Promise<Session<Data>> {
    this.#originCheck?.check(request);
    const jar = this.#loopbackJar !== null && isPlainLoopback(request) ? this.#loopbackJar : this.#jar;
    const stay = this.#home.open(request, jar);
    return isPromise(stay) ? stay.then((opened) => this.#session(request, opened)) : this.#session(request, stay);
  }

  commit(session: Session<Data>, response?: ResponseHead): HeaderLine[] | Promise<HeaderLine[]> {
    const visit = visitOf(session);
    if (visit.isClosed) return [];
    visit.close();
    if (!visit.isLookedAt) return [];
    const cookies = visit.save();
    const finish = (lines: readonly string[]): HeaderLine[] => {
      return linesFor([...lines, ...this.#upgrades.flatMap((upgrade) => upgrade.linesBeside(visit, lines))], response);
    };
    return isPromise(cookies) ? cookies.then(finish) : finish(cookies);
  }

  async list(userId: string | number, { current }: { readonly current?: string } = {}): Promise<SessionInfo[]> {
    const rows = await this.#home.list(String(userId));
    return rows.map(({ id, createdAt, lastSeenAt, expiresAt, device }) => {
      return { id, createdAt, lastSeenAt, expiresAt, device, isCurrent: id === current };
    });
  }

  async revoke(id: string): Promise<void> {
    if (isId(id)) await this.#home.revoke(id);
  }

  async revokeUser(userId: string | number, { except }: { readonly except?: string } = {}): Promise<void> {
    await this.#home.revokeUser(String(userId), isId(except) ? except : undefined);
  }

  prune(): Promise<number> {
    return this.#home.prune();
  }

  #session(request: OpenRequest, stay: Stay): Session<Data> {
    return new Session<Data>(new Visit(request, this.#rules, stay), this.#csrfTokens);
  }
}

/**
 * Whether the text can be a session's id. It may come straight from a form: any other could name a row that is no session's,
 * such as the mark by which a user was signed out everywhere, or fill the store with rows of its own.
 */
function isId(id: string | undefined): id is string {
  return typeof id === "string" && /^[\w-]{22}$/.test(id);
}

/** The one place where a home is chosen. */
function homeOf<Data extends object>(
  { store, revocations, storeTimeout = "2s" }: SessionOptions<Data>,
  parts: Omit<ServerParts, "store" | "timeoutMs">,
): Home {
  const timeoutMs = parseDuration(storeTimeout, "storeTimeout");
  if (store !== undefined) {
    return new LateHome(async () => (await import("./lib/server-homes.ts")).storeHome({ ...parts, store, timeoutMs }));
  }
  if (revocations === undefined) return new CookieHome(parts.opener, parts.upgrades, parts.now);
  const { store: ends, staleness = "5s" } = "store" in revocations ? revocations : { store: revocations };
  const stalenessMs = staleness === 0 ? 0 : parseDuration(staleness, "revocations.staleness");
  return new LateHome(async () => {
    return (await import("./lib/server-homes.ts")).revocableHome({ ...parts, store: ends, timeoutMs }, stalenessMs);
  });
}

function standardName(codec: Codec, { domain, path = "/", secure = true }: CookieOptions): string {
  if (codec.cookieName !== undefined) return codec.cookieName;
  if (!secure) return "session";
  return domain === undefined && path === "/" ? "__Host-session" : "__Secure-session";
}

/** Null when the cookie must be Secure: because the app says so, or because of an attribute that needs it. */
function loopbackJar(name: string, cookie: CookieOptions): CookieJar | null {
  if (cookie.secure !== undefined || cookie.partitioned || cookie.sameSite === "none") return null;
  return new CookieJar(name.replace(/^__(Host|Secure)-/i, ""), { ...cookie, secure: false });
}
