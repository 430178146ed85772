import type { OpenRequest } from "../codec.ts";
import { SessionError } from "../errors.ts";
import { emit } from "../events.ts";
import { listOf } from "../util/list.ts";
import { hostOf } from "./loopback.ts";

/** How requests from other sites are met. */
export interface CsrfOptions {
  /** Exact origins, such as "https://admin.example.com", that may send requests here although they are not this one. */
  readonly trustedOrigins?: readonly string[];
  /** True for a request that is let through unchecked, such as a webhook that proves itself by a signature. */
  readonly exempt?: (request: OpenRequest) => boolean;
}

/**
 * Refuses what another site makes a visitor's browser send, by Fetch Metadata and, where a browser sends none, by the
 * Origin header. A request with neither comes from no browser, and so carries nobody's cookie against their will. What is
 * returned throws a `SessionError` with `status` 403 and `code` "cross_site_request".
 */
export function crossSiteCheck({ trustedOrigins = [], exempt }: CsrfOptions): (request: OpenRequest) => void {
  const trusted = listOf(trustedOrigins, "csrf.trustedOrigins", 'pass origins, such as ["https://app.example"]');
  for (const origin of trusted) {
    // A star may stand in a URL's host, and would never match.
    if (originOf(origin) === origin && !origin.includes("*")) continue;
    throw new TypeError(`csrf.trustedOrigins: ${JSON.stringify(origin)} is not like "https://app.example"`);
  }
  return (request) => {
    // A WebSocket handshake is a GET that no browser restricts to its own site.
    if (/^(GET|HEAD|OPTIONS)$/.test(request.method) && !/^websocket$/i.test(request.header("upgrade") ?? "")) return;
    const origin = request.header("origin");
    const site = request.header("sec-fetch-site");
    const isFine = site == null ? origin == null || isOwn(origin, request) : /^(same-origin|none)$/.test(site);
    if (isFine || trusted.includes(origin ?? "") || exempt?.(request) === true) return;
    const detail = "the origin is neither this host nor in csrf.trustedOrigins; for null see Referrer-Policy";
    emit("flagon:reject", () => ({ reason: "cross_site", detail }));
    throw new SessionError("cross_site_request", detail);
  };
}

/** Whether the origin is the request's host; one of http only where nobody says that the browser used TLS. */
function isOwn(origin: string, request: OpenRequest): boolean {
  // Whoever sends these headers, they only make the check stricter.
  const schemes = [request.url.slice(0, 5), request.header("x-forwarded-proto"), request.header("forwarded")].join();
  const isAt = (scheme: string): boolean => origin === originOf(`${scheme}://${hostOf(request)}/`);
  return isAt("https") || (isAt("http") && !/(^|, *|proto="?)https/i.test(schemes));
}

/** As browsers write it: in lower case, without the scheme's own port. Null for what is no URL. */
function originOf(url: string): string | null {
  return URL.canParse(url) ? new URL(url).origin : null;
}
