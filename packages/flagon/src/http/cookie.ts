/** Browsers keep a name and value of this many bytes together (RFC 6265bis, section 5.6). */
export const COOKIE_BYTES_MAX = 4_096;
/** From here on a proxy with a limit of 4 KB for the header line may refuse the cookie. */
export const NEAR_LIMIT_BYTES = 3_500;

/** Browsers cap a cookie's life at 400 days (RFC 6265bis, section 5.5); so do we, that both sides agree. */
const MAX_AGE_SECONDS_MAX = 400 * 86_400;
/** No browser keeps a cookie for longer, in milliseconds. */
export const COOKIE_AGE_MAX_MS: number = MAX_AGE_SECONDS_MAX * 1_000;

/** How the browser is to keep the cookie. */
export interface CookieOptions {
  /**
   * Default `__Host-Http-session`, which no script and no subdomain can plant (Chrome 140, Firefox 143; older browsers read
   * `__Host-`, and keep subdomains out). With `domain`, or a `path` other than `/`, `__Secure-session`: give two cookies on
   * paths within one another names of their own, or their sessions an `app` each.
   */
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
export interface Cookie {
  readonly name: string;
  /** The same for a loopback host over plain http, where Safari drops Secure cookies; null for one that must be Secure. */
  forLoopback(): Cookie | null;
  /** A Set-Cookie line. Without `maxAgeMs` the browser keeps the cookie until it closes. */
  serialize(value: string, maxAgeMs?: number): string;
  /** A Set-Cookie line that deletes the cookie: with its attributes, without which browsers would keep it. */
  serializeDeletion(): string;
}

/** Throws a `TypeError` for what a browser would refuse or what would break out of the header. */
export function createCookie(given: string | undefined, options: CookieOptions): Cookie {
  const { domain, path = "/", sameSite = "lax", secure = true, partitioned, priority } = options;
  const isForHost = domain === undefined && path === "/";
  const securely = `${isForHost ? "__Host-Http" : "__Secure"}-session`;
  const name = given ?? (secure ? securely : `session${isForHost ? "" : placeOf(path, domain)}`);
  const texts = [name, domain === undefined ? "any" : domain, path, sameSite, priority ?? "low"];
  const needsSecure = sameSite === "none" || partitioned;
  if (
    texts.some((text) => typeof text !== "string") ||
    !wellFormed.test(texts.join(";")) ||
    // RFC 6265bis, section 4.1.3, in any case of letters. What `__Http-` asks for besides, HttpOnly, is always there.
    (!secure && (securePrefix.test(name) || needsSecure)) ||
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
  const serialize = (value: string, maxAgeMs?: number): string => {
    if (maxAgeMs === undefined) return `${name}=${value}${attributes}`;
    const seconds = Math.min(Math.max(Math.floor(maxAgeMs / 1_000), 0), MAX_AGE_SECONDS_MAX);
    return `${name}=${value}; Max-Age=${seconds}${attributes}`;
  };
  return {
    name,
    serialize,
    serializeDeletion: () => serialize("", 0),
    forLoopback() {
      if (needsSecure || options.secure !== undefined) return null;
      // Cookies that have two names elsewhere have two here, else the sessions of one would open as the other's.
      return createCookie(given?.replace(securePrefix, "$1-"), { ...options, secure: false });
    },
  };
}

/**
 * Name, domain, path, sameSite and priority, with semicolons between them and, since a browser would begin another attribute
 * there, nowhere else. A name is a token (RFC 9110, section 5.6.2), a path printable ASCII.
 */
const wellFormed =
  /^[!#$%&'*+\-.^_`|~\w]+;\.?[a-zA-Z\d-]+(\.[a-zA-Z\d-]+)*;\/[ -:<-~]*;(strict|lax|none);(low|medium|high)$/;

/** What begins a name that browsers keep only with Secure. */
export const securePrefix: RegExp = /^__(host|secure|http)-/i;

/** A path and a domain as a part of a name, another one for each: ".admin", or ".admin~shop.example". */
function placeOf(path: string, domain: string | undefined): string {
  const text = String(path).replace(/[^\w-]/g, (sign) => (sign === "/" ? "." : `%${sign.charCodeAt(0).toString(16)}`));
  return `${text === "." ? "" : text}${domain === undefined ? "" : `~${domain}`}`;
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
