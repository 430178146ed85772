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
export class CookieJar {
  readonly name: string;
  readonly #attributes: string;

  /** Throws a `TypeError` for what a browser would refuse or what would break out of the header. */
  constructor(name: string, options: CookieOptions) {
    const { domain, path = "/", sameSite = "lax", secure = true, partitioned = false, priority } = options;
    // A token (RFC 9110, section 5.6.2).
    requireMatch("name", name, /^[!#$%&'*+\-.^_`|~\w]+$/);
    requireMatch("domain", domain === undefined ? "any" : domain, /^\.?[a-z\d-]+(\.[a-z\d-]+)*$/i);
    // Printable ASCII without ";": a browser would read anything else as the start of another attribute, or not at all.
    requireMatch("path", path, /^\/[\x20-\x3a\x3c-\x7e]*$/);
    requireMatch("sameSite", sameSite, /^(strict|lax|none)$/);
    requireMatch("priority", priority === undefined ? "low" : priority, /^(low|medium|high)$/);
    const needsSecure = /^__(host|secure)-/i.test(name) || sameSite === "none" || partitioned;
    if (needsSecure && !secure) throw new TypeError(dropped("without secure"));
    // RFC 6265bis, section 4.1.3; in any case of letters.
    if (/^__host-/i.test(name) && (path !== "/" || domain !== undefined)) {
      throw new TypeError(dropped(`${name} with a path or a domain`));
    }
    this.name = name;
    this.#attributes = [
      domain === undefined ? "" : `; Domain=${domain}`,
      `; Path=${path}; HttpOnly`,
      secure ? "; Secure" : "",
      `; SameSite=${capitalize(sameSite)}`,
      priority === undefined ? "" : `; Priority=${capitalize(priority)}`,
      partitioned ? "; Partitioned" : "",
    ].join("");
  }

  /** A Set-Cookie line. Without `maxAgeMs` the browser keeps the cookie until it closes. */
  write(value: string, maxAgeMs?: number): string {
    if (maxAgeMs === undefined) return `${this.name}=${value}${this.#attributes}`;
    const seconds = Math.min(Math.max(Math.floor(maxAgeMs / 1_000), 0), MAX_AGE_SECONDS_MAX);
    return `${this.name}=${value}; Max-Age=${seconds}${this.#attributes}`;
  }

  /** A Set-Cookie line that deletes the cookie: with its attributes, without which browsers would keep it. */
  erase(): string {
    return this.write("", 0);
  }
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
  for (let from = 0; from < header.length && values.length < SAME_NAME_MAX; ) {
    const at = header.indexOf(name, from);
    if (at === -1) break;
    const equals = skipBlanks(header, at + name.length, header.length);
    const before = trimBlanks(header, 0, at) - 1;
    from = at + 1;
    if (header.charCodeAt(equals) !== EQUALS || (before >= 0 && header.charCodeAt(before) !== SEMICOLON)) continue;
    const end = header.indexOf(";", equals);
    from = end === -1 ? header.length : end;
    values.push(readValue(header, equals + 1, from));
  }
  return values;
}

const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

function readValue(header: string, from: number, to: number): string {
  const start = skipBlanks(header, from, to);
  const end = trimBlanks(header, start, to);
  const quoted = end - start >= 2 && header.charCodeAt(start) === QUOTE && header.charCodeAt(end - 1) === QUOTE;
  return quoted ? header.slice(start + 1, end - 1) : header.slice(start, end);
}

function skipBlanks(text: string, start: number, end: number): number {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  return start;
}

function trimBlanks(text: string, start: number, end: number): number {
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return end;
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function requireMatch(option: string, value: string, pattern: RegExp): void {
  if (typeof value !== "string" || !pattern.test(value)) {
    throw new TypeError(`cookie.${option} cannot be ${JSON.stringify(value)}: it must match ${pattern}`);
  }
}

function dropped(what: string): string {
  return `browsers drop a cookie ${what}; change the cookie option`;
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
