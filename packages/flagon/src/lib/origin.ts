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

/**
 * Refuses what another site makes a visitor's browser send, by Fetch Metadata and, where a browser sends none, by the
 * Origin header. A request with neither comes from no browser, and so carries nobody's cookie against their will.
 */
export class OriginCheck {
  readonly #trusted: readonly string[];
  readonly #exempt: ((request: OpenRequest) => boolean) | undefined;

  constructor({ trustedOrigins = [], exempt }: CsrfOptions) {
    for (const origin of trustedOrigins) {
      // A star may stand in a URL's host, and would never match.
      if (URL.canParse(origin) && new URL(origin).origin === origin && !origin.includes("*")) continue;
      throw new TypeError(
        `csrf.trustedOrigins: ${JSON.stringify(origin)} is not written like "https://app.example.com"`,
      );
    }
    this.#trusted = trustedOrigins;
    this.#exempt = exempt;
  }

  /** Throws a `SessionError` with `status` 403 and `code` "cross_site_request". */
  check(request: OpenRequest): void {
    if (/^(GET|HEAD|OPTIONS)$/.test(request.method) && !isWebSocketUpgrade(request)) return;
    const detail = this.#problem(request);
    if (detail === null || this.#exempt?.(request) === true) return;
    emit("flagon:reject", () => ({ reason: "cross_site", detail }));
    throw new SessionError("cross_site_request", `refused: ${detail}`);
  }

  #problem(request: OpenRequest): string | null {
    const origin = request.header("origin") ?? null;
    const site = request.header("sec-fetch-site") ?? null;
    if (origin !== null && this.#trusted.includes(origin)) return null;
    if (site !== null) {
      return site === "same-origin" || site === "none"
        ? null
        : "a request from a site that csrf.trustedOrigins does not list";
    }
    if (origin === "null") return '"Origin: null", as pages with Referrer-Policy "no-referrer" send; use "same-origin"';
    return origin === null || matchesHost(origin, request) ? null : "a request whose Origin is not this host";
  }
}

/** A WebSocket handshake is a GET that no browser restricts to its own site. */
function isWebSocketUpgrade(request: OpenRequest): boolean {
  return request.method === "GET" && request.header("upgrade")?.toLowerCase() === "websocket";
}

function matchesHost(origin: string, request: OpenRequest): boolean {
  const [, scheme, host] = /^(https?):\/\/(.+)$/.exec(origin) ?? [];
  if (host === undefined || (scheme === "http" && request.url.startsWith("https:"))) return false;
  const defaultPort = scheme === "http" ? /:80$/ : /:443$/;
  return host.replace(defaultPort, "") === hostOf(request).replace(defaultPort, "");
}

const forwardingHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/**
 * Whether the browser and this server are on one machine, without TLS between them: a loopback host over plain http, and
 * no header that a proxy leaves.
 */
export function isPlainLoopback(request: OpenRequest): boolean {
  return (
    request.url.startsWith("http:") &&
    /^((.+\.)?localhost|127(\.\d{1,3}){3}|\[::1\])(:\d*)?$/.test(hostOf(request)) &&
    forwardingHeaders.every((name) => (request.header(name) ?? null) === null)
  );
}

function hostOf(request: OpenRequest): string {
  return (request.header("host") ?? /^\w+:\/\/([^/?#]*)/.exec(request.url)?.[1] ?? "").toLowerCase();
}
