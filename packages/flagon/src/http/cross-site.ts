import type { OpenRequest } from "../codec.ts";
import { SessionError } from "../errors.ts";
import { emit } from "../events.ts";
import { listOf } from "../util/list.ts";
import { printable } from "../util/printable.ts";
import { hostOf } from "./loopback.ts";

/** How requests from other sites are met. */
export interface CsrfOptions {
  /**
   * Exact origins that may send requests here although they are not this one, as browsers write them: "https://admin.example.com",
   * "http://localhost:5173", an app's "capacitor://localhost". Anything else is a `TypeError` at construction.
   */
  readonly trustedOrigins?: readonly string[];
  /**
   * True for a request that is let through unchecked, such as a webhook that proves itself by a signature, or the form post of a
   * sign-in provider. Browsers send that without a cookie of SameSite=Lax or Strict, so no session begins in it, which would replace the
   * visitor's own: the commit fails with a `SessionError` "cross_site_request" that says how to sign in all the same.
   */
  readonly exempt?: (request: OpenRequest) => boolean;
}

/**
 * Refuses what another site makes a visitor's browser send, by Fetch Metadata and, where a browser sends none, by the
 * Origin header. A request with neither comes from no browser, and so carries nobody's cookie against their will. What is
 * returned throws a `SessionError` with `status` 403 and `code` "cross_site_request", and tells whether the request is another
 * site's and exempt: then that it has no session cookie does not mean that the browser has none.
 */
export function crossSiteCheck({ trustedOrigins = [], exempt }: CsrfOptions): (request: OpenRequest) => boolean {
  const trusted = listOf(trustedOrigins, "csrf.trustedOrigins", 'pass origins, such as ["https://app.example"]');
  for (const given of trusted) {
    const origin = originOf(String(given));
    if (origin === given) continue;
    const wanted = origin ? `"${origin}"` : 'one such as "https://app.example" or "capacitor://localhost"';
    throw new TypeError(`csrf.trustedOrigins: "${given}" is not an origin as browsers send it; pass ${wanted}`);
  }
  return (request) => {
    // A WebSocket handshake is a GET that no browser restricts to its own site.
    if (/^(GET|HEAD|OPTIONS)$/.test(request.method) && !/^websocket$/i.test(request.header("upgrade") ?? ""))
      return false;
    const origin = request.header("origin");
    const site = request.header("sec-fetch-site");
    const isFine = site == null ? origin == null || isOwn(origin, request) : /^(same-origin|none)$/.test(site);
    if (isFine || trusted.includes(origin ?? "")) return false;
    if (exempt?.(request) === true) return site !== "same-site";
    throw refusal(request);
  };
}

/** Says what was seen, what it was compared with and what mends it: to the client, to whoever listens, and in a warning. */
function refusal(request: OpenRequest): SessionError {
  const origin = printable(request.header("origin") ?? "missing");
  const own = printable(`${isOverTls(request) ? "https" : "http"}://${hostOf(request)}`);
  const host = origin.split("//")[1];
  const forwarded = request.header("x-forwarded-host") ?? request.header("forwarded") ?? "";
  const proxy =
    host && forwarded.includes(host) && !own.endsWith(host)
      ? `a proxy says "${printable(forwarded)}" and is not trusted: have it pass Host on, or set "trust proxy" (Express), trustProxy (Fastify), app.proxy (Koa); `
      : "";
  const mend = host
    ? `${proxy}if the page is yours, pass csrf: { trustedOrigins: ["${origin}"] }`
    : "Referrer-Policy: no-referrer, a sandbox, a redirect or a proxy hides the page's; if you expect the form post, pass csrf: { exempt }";
  const detail = `cross-site request refused: its Origin is ${origin}, this server's ${own}; ${mend}`;
  emit("flagon:reject", () => ({ reason: "cross_site", detail }));
  import("./cross-site-warning.ts").then(({ warnOfRefusal }) => warnOfRefusal(origin, detail)).catch(() => {});
  return new SessionError("cross_site_request", detail);
}

/** Whether the origin is the request's host; one of http only where nobody says that the browser used TLS. */
function isOwn(origin: string, request: OpenRequest): boolean {
  const isAt = (scheme: string): boolean => origin === originOf(`${scheme}://${hostOf(request)}/`);
  return isAt("https") || (isAt("http") && !isOverTls(request));
}

/** Whoever sends these headers, they only make the check stricter. */
function isOverTls(request: OpenRequest): boolean {
  const schemes = [request.url.slice(0, 5), request.header("x-forwarded-proto"), request.header("forwarded")].join();
  return /(^|, *|proto="?)https/i.test(schemes);
}

/**
 * As browsers write it (RFC 6454, section 6.2): in lower case, without the scheme's own port, of custom schemes too, whose
 * `URL.origin` is "null". Null for what has none; a star may stand in a URL's host, and would never match.
 */
function originOf(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { protocol, host } = new URL(url);
  return (host === "" && protocol !== "file:") || host.includes("*") ? null : `${protocol}//${host.toLowerCase()}`;
}
