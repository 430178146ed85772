import type { OpenRequest } from "../codec.ts";
import { printable } from "../util/printable.ts";
import { processMemory } from "../util/process-memory.ts";
import { hostOf, isForwarded, isLoopbackVisit } from "./loopback.ts";

/**
 * Tells whoever runs the app, once of each kind, of a cookie that no browser keeps: a Secure one over plain http, or one for a domain
 * that the visited host is not in. A visitor sees no more of it than that nothing is remembered.
 */
export function warnOfDroppedCookie(request: OpenRequest, line: string): void {
  const host = hostOf(request).replace(/:\d*$/, "").toLowerCase();
  const shown = printable(host);
  if (/; Secure/.test(line) && isPlain(request) && !isLoopbackVisit(request, true)) {
    warn(
      "FLAGON_PLAIN_HTTP",
      `a Secure session cookie was sent to http://${shown}, and browsers keep one over https alone: nobody stays signed in there. ` +
        "Put TLS in front; where a proxy does that already, have it send X-Forwarded-Proto, so that this is not said of it. " +
        "cookie: { secure: false } is for a network that is yours alone.",
    );
  }
  const [, domain = host] = /; Domain=\.?([^;]+)/.exec(line) ?? [];
  if (host !== domain && !host.endsWith(`.${domain}`)) {
    warn(
      "FLAGON_COOKIE_DOMAIN",
      `a session cookie for the domain ${domain} was sent to ${shown}, which is not in it: browsers drop it. Visit the app under that ` +
        "domain, have the proxy pass on Host, or leave cookie.domain out where the app runs elsewhere.",
    );
  }
}

/** Whether the browser came without TLS: a proxy that is there, and says nothing of it, may have it. */
function isPlain(request: OpenRequest): boolean {
  if (!request.url.startsWith("http:")) return false;
  const schemes = `${request.header("x-forwarded-proto") ?? ""} ${request.header("forwarded") ?? ""}`;
  return !isForwarded(request) || /\bhttp\b/i.test(schemes);
}

function warn(code: string, message: string): void {
  const warned = processMemory("dropped cookies", () => new Set<string>());
  if (warned.has(code)) return;
  warned.add(code);
  globalThis.process?.emitWarning?.(message, { type: "FlagonWarning", code });
}
