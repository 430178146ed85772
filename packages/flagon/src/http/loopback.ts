import type { OpenRequest } from "../codec.ts";

const forwardingHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];
const loopbackHost = /^((.+\.)?localhost|127(\.\d+){3}|\[::1\])(:\d*)?$/i;
const loopbackAddress = /^(::1|(::ffff:)?127(\.\d{1,3}){3})$/i;

/** Set once a request has shown that a proxy is in front: it holds for the process, however many copies of this file it has. */
const proxySeen = Symbol.for("flagon.proxySeen");

/**
 * Whether the browser and this server are on one machine, without TLS between them, so that the cookie may do without Secure.
 *
 * In development a loopback Host over plain http says so, where no header says that a proxy is in front. Otherwise a proxy
 * may be there and say nothing: nginx with `proxy_pass http://localhost:3000` and no more asks for that Host itself, in
 * HTTP/1.0. So the connection has to come from a loopback address too, in HTTP/1.1; and the first request whose Origin or
 * Referer is another host's ends it for this process, with a warning.
 */
export function isLoopbackVisit(request: OpenRequest, inDevelopment: boolean): boolean {
  if (!isPlainLoopback(request)) return false;
  if (inDevelopment) return true;
  if (Reflect.has(globalThis, proxySeen) || request.httpVersion !== "1.1" || !isLoopbackAddress(request.address)) {
    return false;
  }
  const from = foreignOrigin(request.header("origin")) ?? foreignOrigin(request.header("referer"));
  if (from === null) return true;
  Reflect.set(globalThis, proxySeen, true);
  globalThis.process?.emitWarning?.(
    `a page of ${from} led to ${hostOf(request)}: a link, or a proxy that says nothing of itself. From now on this process ` +
      "makes its session cookies Secure. On your own machine set NODE_ENV=development; on a server set " +
      "NODE_ENV=production, and have the proxy pass on Host and X-Forwarded-Proto.",
    { type: "FlagonWarning", code: "FLAGON_PROXY" },
  );
  return false;
}

function isPlainLoopback(request: OpenRequest): boolean {
  return request.url.startsWith("http:") && loopbackHost.test(hostOf(request)) && !isForwarded(request);
}

/** Whether a header says that a proxy is in front. */
export function isForwarded(request: OpenRequest): boolean {
  return forwardingHeaders.some((name) => request.header(name) != null);
}

/** Whether the address is this machine's own. */
export function isLoopbackAddress(address: string | undefined): boolean {
  return loopbackAddress.test(address ?? "");
}

/** The origin of a page that is not on this machine; null for one that is, and for what is no web page. */
function foreignOrigin(url: string | null | undefined): string | null {
  const [origin, host = ""] = /^https?:\/\/([\w.:[\]-]{1,253})/i.exec(url ?? "") ?? [];
  return origin === undefined || loopbackHost.test(host) ? null : origin;
}

/** As the request's Host says, with its port. */
export function hostOf(request: OpenRequest): string {
  return request.header("host") ?? request.url.split(/[/?#]/)[2] ?? "";
}
