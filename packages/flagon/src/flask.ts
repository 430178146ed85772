import { Buffer } from "node:buffer";
import type { Codec } from "./codec.ts";
import { FlaskFormat } from "./flask/cookie-format.ts";
import { FlaskLogin, type FlaskLoginOptions } from "./flask/flask-login.ts";
import { warnOfWeakSecret } from "./flask/secret-strength.ts";
import { TimedSigner } from "./flask/timed-signer.ts";
import type { CookieOptions } from "./http/cookie.ts";
import { listOf } from "./util/list.ts";

export type { FlaskLoginOptions, RememberCookieOptions } from "./flask/flask-login.ts";
export { datetime, Markup, Tuple, tuple, Uuid } from "./flask/value-types.ts";

/** What the Flask app is configured with. */
export interface FlaskCodecOptions {
  /**
   * Flask's `SECRET_KEY`, exactly: text, or bytes where Flask's is `b"…"`. A weak one is no error here, since Flask's cookies
   * are signed with it, but a warning. While it is undefined, the first use throws a `TypeError`.
   */
  readonly secretKey: string | Uint8Array | undefined;
  /** `SECRET_KEY_FALLBACKS`: older secrets, whose cookies still open and are then signed anew with `secretKey`. */
  readonly fallbacks?: readonly (string | Uint8Array)[];
  /** The session interface's `salt`. Default "cookie-session". */
  readonly salt?: string;
  /** The session interface's `digest_method`, as node:crypto names it. Default "sha1". */
  readonly digest?: string;
  /** `PERMANENT_SESSION_LIFETIME` in seconds, from the last write; Flask holds every session to it. Default 31 days. */
  readonly maxAge?: number;
  /** `SESSION_REFRESH_EACH_REQUEST`: a permanent session's cookie is written at each request. Default true. */
  readonly refreshEachRequest?: boolean;
  /** How Flask-Login is set up; false where the app does without it. Default: Flask-Login's own defaults. */
  readonly login?: FlaskLoginOptions | false;
}

const MAX_AGE_SECONDS = 31 * 86_400;

/**
 * Flask's own session cookie, read and written, so that a Flask app and this one share a session.
 *
 * **The cookie is signed, not secret.** Everyone who has it, the visitor first, can read all that the session holds, flashes
 * and user id included; only changing it is impossible. Put nothing in that the visitor must not see. Flagon's own sealed
 * cookie, the default without this codec, is encrypted.
 *
 * There is no server-side end to such a session: a copy of the cookie, also of one from before a logout, opens in Flask and
 * in other processes until `maxAge` has passed or the secret is changed.
 *
 * What TypeScript changes gets a key of Flagon's own, `_flagon`, by which two sessions of one second are told apart; Flask
 * carries it along. A session that is larger than browsers keep is a `SessionError` at the commit, `cookie_too_large`.
 *
 * Throws a `TypeError` for options out of range.
 */
export function flaskCodec(options: FlaskCodecOptions): Codec {
  const { secretKey, fallbacks = [], salt = "cookie-session", digest = "sha1" } = options;
  const { maxAge = MAX_AGE_SECONDS, refreshEachRequest = true, login = {} } = options;
  if (!(Number.isFinite(maxAge) && maxAge >= 1)) {
    throw new TypeError("flaskCodec: maxAge must be a number of seconds, 1 or more");
  }
  const older = checkFallbacks(fallbacks, "flaskCodec: fallbacks");
  const secrets = secretKey === undefined ? [] : [secretKey, ...older];
  secrets.forEach(checkSecret);
  const signer = new TimedSigner(secrets.map(toBytes), salt, digest);
  const flaskLogin = login === false ? null : new FlaskLogin(secretKey ?? "", login);
  return {
    name: "flask",
    cookieName: "session",
    foreign: true,
    bind({ now, options: given = {} }) {
      const unfit = ["store", "app", "lifetime", "permanentLifetime"].find(
        (name) => Reflect.get(given, name) !== undefined,
      );
      if (unfit) throw new TypeError(`flaskCodec: ${unfit} does not go with it; Flask has rules of its own`);
      return new FlaskFormat({ signer, login: flaskLogin, maxAgeSeconds: Math.floor(maxAge), refreshEachRequest, now });
    },
  };
}

/** Flask's configuration, by the names it has there; what Flagon has no use for is left out. */
export interface FlaskConfig {
  readonly SECRET_KEY: string | Uint8Array | undefined;
  readonly SECRET_KEY_FALLBACKS?: readonly (string | Uint8Array)[] | null;
  readonly SESSION_COOKIE_NAME?: string;
  /** A host name. Flask before 2.3 made one of `SERVER_NAME` when this was not set: write down the one your cookies have. */
  readonly SESSION_COOKIE_DOMAIN?: string | false | null;
  readonly SESSION_COOKIE_PATH?: string | null;
  /** The cookie's path when `SESSION_COOKIE_PATH` is not set. */
  readonly APPLICATION_ROOT?: string;
  /** Flagon's cookies always are: false is a `TypeError`. */
  readonly SESSION_COOKIE_HTTPONLY?: boolean;
  /** False, which is Flask's default, lets anyone on the way read the cookie. Left out: true, but for plain http on this machine. */
  readonly SESSION_COOKIE_SECURE?: boolean;
  /** Left out or null: "Lax", which browsers take for a cookie that says nothing. */
  readonly SESSION_COOKIE_SAMESITE?: "Strict" | "Lax" | "None" | null;
  readonly SESSION_COOKIE_PARTITIONED?: boolean;
  readonly SESSION_REFRESH_EACH_REQUEST?: boolean;
  /** Seconds, as `timedelta.total_seconds()` gives them. */
  readonly PERMANENT_SESSION_LIFETIME?: number;
  readonly SESSION_PROTECTION?: "basic" | "strong" | null;
  readonly REMEMBER_COOKIE_NAME?: string;
  readonly REMEMBER_COOKIE_DOMAIN?: string | null;
  readonly REMEMBER_COOKIE_PATH?: string;
}

/**
 * Options for `createSessions` from a Flask app's configuration:
 * `createSessions(fromFlaskConfig({ SECRET_KEY: process.env.FLASK_SECRET_KEY, SESSION_COOKIE_SAMESITE: "Lax" }))`.
 * Throws a `TypeError` for what {@link flaskCodec} would refuse.
 */
export function fromFlaskConfig(config: FlaskConfig): { codec: Codec; cookie: CookieOptions } {
  if (config.SESSION_COOKIE_HTTPONLY === false) {
    throw new TypeError("SESSION_COOKIE_HTTPONLY false: Flagon's cookie is always HttpOnly; leave it out");
  }
  return {
    codec: flaskCodec({
      secretKey: config.SECRET_KEY,
      fallbacks: checkFallbacks(config.SECRET_KEY_FALLBACKS ?? [], "SECRET_KEY_FALLBACKS"),
      ...given("maxAge", config.PERMANENT_SESSION_LIFETIME),
      ...given("refreshEachRequest", config.SESSION_REFRESH_EACH_REQUEST),
      login: {
        ...given("protection", readProtection(config.SESSION_PROTECTION)),
        rememberCookie: {
          ...given("name", config.REMEMBER_COOKIE_NAME),
          ...given("domain", config.REMEMBER_COOKIE_DOMAIN),
          ...given("path", config.REMEMBER_COOKIE_PATH),
        },
      },
    }),
    cookie: {
      ...given("name", config.SESSION_COOKIE_NAME),
      ...given("domain", config.SESSION_COOKIE_DOMAIN || undefined),
      ...given("path", config.SESSION_COOKIE_PATH || config.APPLICATION_ROOT),
      ...given("secure", config.SESSION_COOKIE_SECURE),
      ...given("sameSite", config.SESSION_COOKIE_SAMESITE?.toLowerCase() as CookieOptions["sameSite"]),
      ...given("partitioned", config.SESSION_COOKIE_PARTITIONED),
    },
  };
}

function readProtection(protection: FlaskConfig["SESSION_PROTECTION"]): FlaskLoginOptions["protection"] {
  return protection === null ? "none" : protection;
}

/** The option, if it was given. */
function given<Name extends string, Value>(name: Name, value: Value | null | undefined): { [name in Name]?: Value } {
  return value === null || value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value });
}

function checkFallbacks<Secret extends string | Uint8Array>(given: readonly Secret[], option: string): Secret[] {
  return listOf(given, option, `a fallback must be an older SECRET_KEY: text, or bytes where Flask's was b"…"`);
}

function checkSecret(secret: string | Uint8Array, index: number): void {
  const option = index === 0 ? "secretKey" : "a fallback";
  if (!(typeof secret === "string" || secret instanceof Uint8Array) || secret.length === 0) {
    throw new TypeError(`flaskCodec: ${option} must be Flask's SECRET_KEY: text, or bytes where Flask's is b"…"`);
  }
  warnOfWeakSecret(option, secret);
}

function toBytes(secret: string | Uint8Array): Uint8Array {
  return typeof secret === "string" ? Buffer.from(secret, "utf8") : secret;
}
