import type { Codec } from "./codec.ts";
import type { Secret } from "./crypto/keys.ts";
import type { CookieOptions } from "./http/cookie.ts";
import type { CsrfOptions } from "./http/cross-site.ts";
import type { Lifetime } from "./state/lifetime.ts";
import type { StandardSchema } from "./state/schema.ts";
import type { Store } from "./store.ts";
import { type Duration, parseDuration } from "./util/duration.ts";
import { listOf } from "./util/list.ts";
import { checkNames } from "./util/option-names.ts";

/** Everything that `createSessions` can be told. Only `secret` has no default. */
export interface SessionOptions<Data extends object> {
  /**
   * What all keys are made of: 32 bytes or more of UTF-8, never decoded. A list rotates: the first seals, all open. A
   * function is asked at each use and returns either. A weak secret throws here, and so does a list that is empty or has an
   * unset entry; undefined throws at the first use.
   */
  readonly secret?: Secret | (() => Secret);
  /** Where sessions live; without one, sealed in the cookie. */
  readonly store?: Store;
  /** A store that is used only to end sealed cookies early. */
  readonly revocations?: Store | RevocationOptions;
  /** How long a store may take to answer before the request fails with `store_timeout`; default "2s". */
  readonly storeTimeout?: Duration;
  /** For sessions that end with the browser; default `{ idle: "30m", absolute: "12h" }`. */
  readonly lifetime?: Lifetime;
  /** For sessions that outlive the browser (`session.permanent`); default `{ idle: "31d", absolute: "180d" }`. */
  readonly permanentLifetime?: Lifetime;
  readonly cookie?: CookieOptions;
  /** The cookie's format; default `sealed`, Flagon's own. */
  readonly codec?: Codec;
  /** Formats that are still opened until a date, and answered in the own one. Risk: an old cookie is as good as a new one. */
  readonly upgradeFrom?: readonly UpgradeOptions[];
  /**
   * A validator of the data (Zod, Valibot, ArkType …) that accepts `{}` and answers at once. Data that fails when it is
   * loaded is dropped with an event, the login stays; data that would fail is a `TypeError` at the commit.
   */
  readonly schema?: StandardSchema<Data>;
  /** Refuses what other sites make a visitor's browser send; default true. False leaves that to you. */
  readonly csrf?: boolean | CsrfOptions;
  /** A name bound into every key, so that apps with one secret never take each other's cookies. */
  readonly app?: string;
  /** How many verified cookies are remembered, so that the next request needs no cipher; default 1,000, 0 for none. */
  readonly cache?: number;
  /** The clock in milliseconds, for tests; default `Date.now`. */
  readonly now?: () => number;
}

/** Throws a `TypeError` for options that make no sense together, saying what to do. */
export function checkOptions<Data extends object>(options: SessionOptions<Data>): void {
  const { store, revocations, cache = 0, upgradeFrom = [], app = "", cookie = {}, csrf } = options;
  checkNames(options, NAMES, "createSessions");
  checkNames(cookie, COOKIE_NAMES, "cookie");
  for (const name of ["lifetime", "permanentLifetime"] as const) checkNames(options[name] ?? {}, "idle absolute", name);
  checkNames(Object(csrf), "trustedOrigins exempt", "csrf");
  if (revocations && "store" in revocations) checkNames(revocations, "store staleness", "revocations");
  // Longer, and no key can be derived with it.
  if (app.length > 200) throw new TypeError("app takes 200 characters at most");
  if (store && revocations) throw new TypeError("pass store or revocations, not both");
  if (store && !store.replace) throw new TypeError("store must be a Store, such as redisStore(client)");
  if (!(Number.isInteger(cache) && cache >= 0)) throw new TypeError("cache must be a whole number");
  listOf(upgradeFrom, "upgradeFrom", UPGRADE_WANTED).forEach(endOfUpgrade);
  storeTimes(options);
}

const NAMES =
  "secret store revocations storeTimeout lifetime permanentLifetime cookie codec upgradeFrom schema csrf app cache now";
const COOKIE_NAMES = "name domain path sameSite secure partitioned priority";

/** Those of `createSessions` that say where sessions live, and where they lived before. */
export interface BackendOptions {
  readonly store?: Store;
  readonly revocations?: Store | RevocationOptions;
  readonly storeTimeout?: Duration;
  readonly upgradeFrom?: readonly UpgradeOptions[];
}

/** Sealed cookies are checked against a store, so that they can be ended early. */
export interface RevocationOptions {
  readonly store: Store;
  /**
   * For how long an answer of the store may be used again; default "5s". 0 asks at each request. Risk: so long does a
   * revoked session still read, though never write: a commit always asks.
   */
  readonly staleness?: Duration | 0;
}

/** An older cookie format, and until when it is still opened. */
export interface UpgradeOptions {
  readonly codec: Codec;
  /**
   * The old cookie's name, domain and path, where they are not the codec's own (`fromFlaskConfig` gives them). A browser
   * deletes a cookie only when told the domain and path that it was set with; what stays would be opened again.
   */
  readonly cookie?: CookieOptions;
  /** From this moment on the old format is refused: a Date, or a text that `Date` reads, such as "2027-01-31". */
  readonly until: Date | string;
}

const UPGRADE_WANTED = "pass [{ codec, until }]";

/** From when on the old format is refused, in milliseconds since 1970. Throws a `TypeError` for what is no date. */
export function endOfUpgrade(entry: UpgradeOptions): number {
  const { codec, until, cookie = {} } = entry;
  if (!codec?.bind) throw new TypeError(`upgradeFrom: an entry has no codec; ${UPGRADE_WANTED}`);
  checkNames(entry, "codec cookie until", "upgradeFrom");
  checkNames(cookie, COOKIE_NAMES, "upgradeFrom.cookie");
  const end = new Date(until ?? "").getTime();
  if (Number.isNaN(end)) throw new TypeError(`upgradeFrom: ${codec.name} needs until, a date`);
  return end;
}

/** Milliseconds: how long a store may take to answer, and for how long its answer about a sealed cookie holds. */
export function storeTimes({ storeTimeout = "2s", revocations }: BackendOptions): StoreTimes {
  const { staleness = "5s" }: Partial<RevocationOptions> =
    revocations !== undefined && "store" in revocations ? revocations : {};
  return {
    timeoutMs: parseDuration(storeTimeout, "storeTimeout"),
    stalenessMs: staleness === 0 ? 0 : parseDuration(staleness, "revocations.staleness"),
  };
}

export interface StoreTimes {
  readonly timeoutMs: number;
  readonly stalenessMs: number;
}
