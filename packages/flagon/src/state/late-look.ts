import type { OpenRequest } from "../codec.ts";
import { isCacheable } from "../http/cache-headers.ts";
import type { ResponseHead } from "../http/headers.ts";

/** A visitor can ask for any number of paths. */
const ROUTES_MAX = 100;
const warned: unique symbol = Symbol.for("flagon.lateLooks") as never;

/**
 * Tells whoever runs the app, once for each route, of a response that left as anybody's and becomes one visitor's: a shared
 * cache may keep it.
 */
export function warnOfLateLook(request: OpenRequest, head: ResponseHead): void {
  if (!isCacheable(head)) return;
  const shared = globalThis as { [warned]?: Set<string> };
  shared[warned] ??= new Set();
  const routes = shared[warned];
  const route = `${request.method} ${request.url.replace(/^[\w+.-]+:\/\/[^/]*|[?#].*$/g, "")}`;
  if (routes.has(route) || routes.size === ROUTES_MAX) return;
  routes.add(route);
  globalThis.process?.emitWarning?.(
    `${route} left as cacheable before its session was looked at: a shared cache may show one visitor's to others; look at the session first, or answer with Cache-Control: private`,
    { type: "FlagonWarning", code: "FLAGON_LATE_LOOK" },
  );
}
