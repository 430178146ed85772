import type { OpenRequest } from "../codec.ts";

const forwardingHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/**
 * Whether the browser and this server are on one machine, without TLS between them: a loopback host over plain http, and
 * no header that a proxy leaves.
 */
export function isPlainLoopback(request: OpenRequest): boolean {
  return (
    request.url.startsWith("http:") &&
    /^((.+\.)?localhost|127(\.\d+){3}|\[::1\])(:\d*)?$/i.test(hostOf(request)) &&
    forwardingHeaders.every((name) => request.header(name) == null)
  );
}

/** As the request's Host says, with its port. */
export function hostOf(request: OpenRequest): string {
  return request.header("host") ?? request.url.split(/[/?#]/)[2] ?? "";
}
