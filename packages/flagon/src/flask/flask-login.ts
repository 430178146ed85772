import { Buffer } from "node:buffer";
import type { OpenRequest, SessionRecord } from "../codec.ts";
import { type Cookie, createCookie } from "../http/cookie.ts";
import { readCookies } from "../http/cookie-header.ts";
import { createIdentifier, type IdentifierRecipe, knowsAddress, readRememberToken } from "./identifier.ts";
import { FlaskNative, type Parts } from "./session-fields.ts";

/** How Flask-Login is set up in the Flask app. What is left out is Flask-Login's own default. */
export interface FlaskLoginOptions {
  /** Which release makes `_id`: "0.6" (default; all of them so far) or "0.7", which does not look at `X-Forwarded-For`. */
  readonly identifier?: IdentifierRecipe;
  /**
   * `SESSION_PROTECTION`: what happens when `_id` does not fit the request's address and User-Agent. "basic" (default): the
   * login is no longer fresh. "strong": it is over, unless the session is permanent. "none": nothing.
   */
  readonly protection?: "basic" | "strong" | "none";
  /** The address that the Flask app sees as `request.remote_addr`. Default: the one that the framework here reports. */
  readonly address?: (request: OpenRequest) => string | undefined;
  /** `REMEMBER_COOKIE_NAME` and so on. False: the cookie names nobody here. */
  readonly rememberCookie?: RememberCookieOptions | false;
}

/** Flask-Login's `REMEMBER_COOKIE_…` settings: how its cookie is found, and deleted at sign-out. */
export interface RememberCookieOptions {
  /** Default `remember_token`. */
  readonly name?: string | undefined;
  readonly domain?: string | undefined;
  /** Default `/`. */
  readonly path?: string | undefined;
}

/** A session as Flask-Login would see it. */
export interface LoginState {
  readonly parts: Parts;
  readonly userId: string | null;
  readonly fresh: boolean;
  readonly native: FlaskNative;
}

/** What Flask-Login does with session and request (flask_login/login_manager.py, `_load_user`), for one Flask secret. */
export class FlaskLogin {
  readonly #key: Uint8Array | null;
  readonly #recipe: IdentifierRecipe;
  readonly #protection: "basic" | "strong" | "none";
  readonly #address: (request: OpenRequest) => string | undefined;
  readonly #remember: { name: string; overTls: Cookie; plain: Cookie } | null;

  /** Throws a `TypeError` for options out of range. */
  constructor(secret: string | Uint8Array, options: FlaskLoginOptions) {
    const { identifier = "0.6", protection = "basic", address, rememberCookie = {} } = options;
    checkOneOf("identifier", identifier, ["0.6", "0.7"]);
    checkOneOf("protection", protection, ["basic", "strong", "none"]);
    this.#key = latin1(secret);
    this.#recipe = identifier;
    this.#protection = protection;
    this.#address = address ?? ((request) => request.address);
    this.#remember = rememberCookie === false ? null : createJars(rememberCookie);
  }

  identify(request: OpenRequest): string {
    return createIdentifier(request, this.#addressOf(request), this.#recipe);
  }

  look(parts: Parts, request: OpenRequest): LoginState {
    const isEmpty = Object.keys(parts.raw).length + Object.keys(parts.data).length === 0;
    const isStranger = this.#protection !== "none" && !isEmpty && parts.raw._id !== this.identify(request);
    if (isStranger && this.#protection === "strong" && !parts.raw._permanent) return signedOut(parts);
    if (parts.userId !== null) {
      const keepsFresh = isStranger && !knowsAddress(request, this.#addressOf(request), this.#recipe);
      const fresh = !isStranger && parts.raw._fresh === true;
      return { parts, userId: parts.userId, fresh, native: new FlaskNative(parts, { keepsFresh }) };
    }
    const userId = parts.data._remember === "clear" ? null : this.rememberedUser(request);
    const native = new FlaskNative(parts, { userId, isRenewalDue: userId !== null });
    return { parts, userId, fresh: false, native };
  }

  /** Null without a remember cookie that this secret signed. */
  rememberedUser(request: OpenRequest): string | null {
    if (this.#remember === null || this.#key === null) return null;
    return readRememberToken(request, this.#remember.name, this.#key);
  }

  /** The line that deletes the remember cookie, when the person it names is no longer who is signed in. */
  extraCookies(record: SessionRecord | null, request: OpenRequest): readonly string[] {
    if (this.#remember === null) return [];
    const native = record === null ? null : FlaskNative.of(record);
    if (native !== null && native.userId === record?.userId && !native.forgets) return [];
    if (readCookies(request.header("cookie") ?? "", this.#remember.name).length === 0) return [];
    if (record !== null && record.userId !== null && record.userId === this.rememberedUser(request)) return [];
    const isTls = /^https:/i.test(request.url);
    return [(isTls ? this.#remember.overTls : this.#remember.plain).serializeDeletion()];
  }

  #addressOf(request: OpenRequest): string | undefined {
    // A server that listens on IPv6 as well reports IPv4 clients so; Flask's mostly don't.
    return this.#address(request)?.replace(/^::ffff:(?=\d+\.)/i, "");
  }
}

/** "strong": Flask-Login's own keys are dropped, the rest stays (`SESSION_KEYS` in flask_login/config.py). */
function signedOut({ raw, data, flashes }: Parts): LoginState {
  const { _user_id, _fresh, _id, ...keptRaw } = raw;
  const { _remember, _remember_seconds, next, ...keptData } = data;
  const parts = { raw: keptRaw, data: keptData, flashes, userId: null };
  return { parts, userId: null, fresh: false, native: new FlaskNative(parts, { isRenewalDue: true, forgets: true }) };
}

/** Browsers ignore a Secure cookie, its deletion too, that comes over plain http. */
function createJars({ name = "remember_token", domain, path = "/" }: RememberCookieOptions): {
  name: string;
  overTls: Cookie;
  plain: Cookie;
} {
  const attributes = domain === undefined ? { path } : { path, domain };
  return {
    name,
    overTls: createCookie(name, { ...attributes, secure: true }),
    plain: createCookie(name, { ...attributes, secure: false }),
  };
}

/** Flask-Login takes the secret for Latin-1, where Flask takes it for UTF-8; it fails on one that isn't. */
function latin1(secret: string | Uint8Array): Uint8Array | null {
  if (typeof secret !== "string") return secret;
  const bytes = Buffer.from(secret, "latin1");
  return bytes.toString("latin1") === secret ? bytes : null;
}

function checkOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new TypeError(`flaskCodec: login.${option} must be one of ${allowed.join(", ")}`);
}
