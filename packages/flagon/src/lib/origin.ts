import type { OpenRequest } from "../codec.ts";
import { SessionError } from "../errors.ts";
import { emit } from "./events.ts";

/** How requests from other sites are met. */
export interface CsrfOptions {
  /** Exact origins, such as "https://admin.example.com", that may send requests here although they are not this one. */
  readonly trustedOrigins?: readonly string[];
  /** True for a request that is let through unchecked, such as a webhook that proves itself by a signature. */
  readonly exempt?: (request: OpenRequest) => boolean;
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);
const sameSiteFetch = new Set(["same-origin", "none"]);

/**
 * Refuses what another site makes a visitor's browser send, by Fetch Metadata and, where a browser sends none, by the
 * Origin header. A request with neither comes from no browser, and so carries nobody's cookie against their will.
 */
export class OriginCheck {
  readonly #trusted: ReadonlySet<string>;
  readonly #exempt: ((request: OpenRequest) => boolean) | undefined;

  constructor({ trustedOrigins = [], exempt }: CsrfOptions) {
    for (const origin of trustedOrigins) {
      if (!isOrigin(origin)) {
        throw new TypeError(
          `csrf.trustedOrigins holds ${JSON.stringify(origin)}; an origin is written as "https://app.example.com"`,
        );
      }
    }
    this.#trusted = new Set(trustedOrigins);
    this.#exempt = exempt;
  }

  /** Throws a `SessionError` with `status` 403 and `code` "cross_site_request". */
  check(request: OpenRequest): void {
    if (safeMethods.has(request.method) && !isWebSocketUpgrade(request)) return;
    const problem = this.#problem(request);
    if (problem === null || this.#exempt?.(request) === true) return;
    emit("flagon:reject", () => ({ reason: "cross_site", detail: problem }));
    throw new SessionError("cross_site_request", problem);
  }

  #problem(request: OpenRequest): string | null {
    const origin = request.header("origin") ?? null;
    const site = request.header("sec-fetch-site") ?? null;
    if (site !== null) {
      if (sameSiteFetch.has(site) || (origin !== null && this.#trusted.has(origin))) return null;
      return "a request from another site was refused; list its origin in csrf.trustedOrigins if it may send them";
    }
    if (origin === null || this.#trusted.has(origin)) return null;
    if (origin === "null") {
      return 'a request with "Origin: null" was refused; a page with Referrer-Policy "no-referrer" sends it, "same-origin" would not';
    }
    return matchesHost(origin, request) ? null : "a request whose Origin is not this host was refused";
  }
}

/** A WebSocket handshake is a GET that no browser restricts to its own site. */
function isWebSocketUpgrade(request: OpenRequest): boolean {
  return request.method === "GET" && request.header("upgrade")?.toLowerCase() === "websocket";
}

function matchesHost(origin: string, request: OpenRequest): boolean {
  const scheme = origin.startsWith("https://") ? "https://" : "http://";
  if (!origin.startsWith(scheme) || (scheme === "http://" && isHttps(request))) return false;
  const host = request.header("host") ?? hostOf(request.url);
  return withoutDefaultPort(origin.slice(scheme.length), scheme) === withoutDefaultPort(host.toLowerCase(), scheme);
}

function withoutDefaultPort(host: string, scheme: string): string {
  const port = scheme === "https://" ? ":443" : ":80";
  return host.endsWith(port) ? host.slice(0, -port.length) : host;
}

function isHttps(request: OpenRequest): boolean {
  return request.url.startsWith("https://");
}

const forwardingHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/**
 * Whether the browser and this server are on one machine, without TLS between them: a loopback host over plain http, and
 * no header that a proxy leaves.
 */
export function isPlainLoopback(request: OpenRequest): boolean {
  if (!request.url.startsWith("http://") || !isLoopbackHost(request.header("host") ?? hostOf(request.url)))
    return false;
  return forwardingHeaders.every((name) => (request.header(name) ?? null) === null);
}

function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d*$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}

function hostOf(url: string): string {
  const start = url.indexOf("://") + 3;
  const end = url.slice(start).search(/[/?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

function isOrigin(text: string): boolean {
  return typeof text === "string" && URL.canParse(text) && new URL(text).origin === text;
}
