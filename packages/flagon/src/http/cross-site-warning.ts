import type { OpenRequest } from "../codec.ts";
import { SessionError } from "../errors.ts";
import { emit } from "../events.ts";
import { printable } from "../util/printable.ts";
import { processMemory } from "../util/process-memory.ts";

/** A visitor can send any number of origins. */
const ORIGINS_MAX = 100;

/**
 * Tells whoever runs the app of a refused request, once for each origin: where the answer has no CORS headers, a browser
 * shows whoever made the page nothing of it. `origin` and `message` hold nothing that a visitor could break a log with.
 */
export function warnOfRefusal(origin: string, message: string): void {
  const warned = processMemory("refused origins", () => new Set<string>());
  if (warned.has(origin) || warned.size === ORIGINS_MAX) return;
  warned.add(origin);
  const last = warned.size === ORIGINS_MAX ? "; this process warns of no further origins" : "";
  globalThis.process?.emitWarning?.(message + last, { type: "FlagonWarning", code: "FLAGON_CROSS_SITE" });
}

/**
 * Throws for a session that would begin in an exempt request of another site: browsers send that without a cookie of SameSite=Lax
 * or Strict, so that it comes without one says nothing, and the new one would replace the visitor's own.
 */
export function refuseToReplace(request: OpenRequest): never {
  const origin = printable(request.header("origin") ?? "missing");
  const detail =
    `no session begins in a request of another site (its Origin is ${origin}): it came without the visitor's cookie, ` +
    "which the new session's would replace. Answer with a redirect or a form to a path of this site, and change the session " +
    'there: "A sign-in that comes back as a form post" in docs/guide.md. Where the cookie is to be sent along: cookie: { sameSite: "none" }';
  emit("flagon:reject", () => ({ reason: "cross_site", detail }));
  warnOfRefusal(`${origin} exempt`, detail);
  throw new SessionError("cross_site_request", detail);
}
