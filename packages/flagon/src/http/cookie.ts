/** Browsers keep a name and value of this many bytes together (RFC 6265bis, section 5.6). */
export const COOKIE_BYTES_MAX = 4_096;

/** Browsers cap a cookie's life at 400 days (RFC 6265bis, section 5.5); so do we, that both sides agree. */
const MAX_AGE_SECONDS_MAX = 400 * 86_400;

/** How the browser is to keep the cookie. */
export interface CookieOptions {
  /** Default `__Host-session`; with `domain`, or a `path` other than `/`, `__Secure-session`. */
  readonly name?: string;
  /** Gives the cookie to every subdomain. Risk: each of them can then read and replace it. */
  readonly domain?: string;
  /** Default `/`. No wall: a page on another path can still read what this one's responses show. */
  readonly path?: string;
  /** Default "lax". "none" sends the cookie with requests from other sites. */
  readonly sameSite?: "strict" | "lax" | "none";
  /** Default true. False lets anyone on the way read the cookie: only for a network that is yours alone. */
  readonly secure?: boolean;
  /** Keeps one cookie for each site that embeds this one (CHIPS). */
  readonly partitioned?: boolean;
  /** Which cookies Chromium drops first when there are too many. */
  readonly priority?: "low" | "medium" | "high";
}

/** A cookie's name and attributes, checked once: writing is then putting pieces together. */
export interface CookieJar {
  readonly name: string;
  /** The same for a loopback host over plain http, where Safari drops Secure cookies; null for one that must be Secure. */
  forLoopback(): CookieJar | null;
  /** A Set-Cookie line. Without `maxAgeMs` the browser keeps the cookie until it closes. */
  write(value: string, maxAgeMs?: number): string;
  /** A Set-Cookie line that deletes the cookie: with its attributes, without which browsers would keep it. */
  erase(): string;
}

/** Throws a `TypeError` for what a browser would refuse or what would break out of the header. */
export function cookieJar(given: string | undefined, options: CookieOptions): CookieJar {
  const { domain, path = "/", sameSite = "lax", secure = true, partitioned, priority } = options;
  const isForHost = domain === undefined && path === "/";
  const name = given ?? `${secure ? (isForHost ? "__Host-" : "__Secure-") : ""}session`;
  const texts = [name, domain === undefined ? "any" : domain, path, sameSite, priority ?? "low"];
  const needsSecure = sameSite === "none" || partitioned;
  if (
    texts.some((text) => typeof text !== "string") ||
    !wellFormed.test(texts.join(";")) ||
    // RFC 6265bis, section 4.1.3; in any case of letters.
    (!secure && (prefix.test(name) || needsSecure)) ||
    (/^__host-/i.test(name) && !isForHost)
  ) {
    throw new TypeError(`cookie cannot be ${JSON.stringify({ name, ...options })}: browsers would drop or misread it`);
  }
  const attributes = [
    domain ? `; Domain=${domain}` : "",
    `; Path=${path}; HttpOnly`,
    secure ? "; Secure" : "",
    `; SameSite=${capitalize(sameSite)}`,
    priority ? `; Priority=${capitalize(priority)}` : "",
    partitioned ? "; Partitioned" : "",
  ].join("");
  const write = (value: string, maxAgeMs?: number): string => {
    if (maxAgeMs === undefined) return `${name}=${value}${attributes}`;
    const seconds = Math.min(Math.max(Math.floor(maxAgeMs / 1_000), 0), MAX_AGE_SECONDS_MAX);
    return `${name}=${value}; Max-Age=${seconds}${attributes}`;
  };
  return {
    name,
    write,
    erase: () => write("", 0),
    forLoopback() {
      if (needsSecure || options.secure !== undefined) return null;
      return cookieJar(name.replace(prefix, ""), { ...options, secure: false });
    },
  };
}

/**
 * Name, domain, path, sameSite and priority, with semicolons between them and, since a browser would begin another attribute
 * there, nowhere else. A name is a token (RFC 9110, section 5.6.2), a path printable ASCII.
 */
const wellFormed =
  /^[!#$%&'*+\-.^_`|~\w]+;\.?[a-zA-Z\d-]+(\.[a-zA-Z\d-]+)*;\/[ -:<-~]*;(strict|lax|none);(low|medium|high)$/;

const prefix = /^__(host|secure)-/i;

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** A browser has one cookie of a name for each domain and path that fit: seldom two, never as many as fill a header. */
const SAME_NAME_MAX = 16;

/**
 * The values of the cookies with this name, in the order of the header (RFC 6265, section 5.4). One pass, from one place
 * where the name stands to the next; only spaces and tabs are trimmed, names are compared as they stand, nothing is
 * percent-decoded, one pair of quotes around a value is taken off. More than one cookie of a name is no error: a subdomain
 * can plant one, and the right one must still be found. Past sixteen no more are looked at, since each can cost a cipher or
 * a question to the store.
 */
export function readCookies(header: string, name: string): string[] {
  const values: string[] = [];
  for (let at = header.indexOf(name); at > -1 && values.length < SAME_NAME_MAX; at = header.indexOf(name, at + 1)) {
    const equals = skipBlanks(header, at + name.length, 1);
    const before = skipBlanks(header, at - 1, -1);
    if (header[equals] !== "=" || (before > -1 && header[before] !== ";")) continue;
    const end = header.indexOf(";", equals);
    at = end < 0 ? header.length : end;
    const value = header.slice(skipBlanks(header, equals + 1, 1), skipBlanks(header, at - 1, -1) + 1);
    values.push(/^"(.*)"$/s.exec(value)?.[1] ?? value);
  }
  return values;
}

/** The next place that holds no space or tab, to the right with a `step` of 1, to the left with -1. */
function skipBlanks(text: string, at: number, step: 1 | -1): number {
  while (isBlank(text.charCodeAt(at))) at += step;
  return at;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
