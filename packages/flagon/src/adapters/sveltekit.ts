import { AsyncLocalStorage } from "node:async_hooks";
import type { RequestEvent } from "@sveltejs/kit";
import type { Handle } from "@sveltejs/kit/hooks";
import type { SessionError } from "../errors.ts";
import { isSessionError } from "../errors.ts";
import { type HeaderLine, isSetCookie } from "../http/headers.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { withSessionStatus } from "./shared/fetch-error.ts";
import { FetchRequest } from "./shared/fetch-request.ts";
import { discard, withLines } from "./shared/fetch-response.ts";
import { findOpened, markOpened } from "./shared/mount-guard.ts";
import { requireSession } from "./shared/require-session.ts";
import { readSetCookie } from "./shared/set-cookie.ts";

export type { Register } from "../index.ts";

declare global {
  namespace App {
    interface Locals {
      /** This visitor's session; types come from `Register`. */
      session: Session;
    }
  }
}

/**
 * ```ts
 * // src/hooks.server.ts
 * export const handle = session(sessions);
 * // src/routes/+page.server.ts
 * export const load = ({ locals }) => ({ username: locals.session.get("username") });
 * ```
 *
 * For SvelteKit 3. The session is saved when `resolve` has made the response and before its first byte, also when a later
 * handle in the `sequence` throws its `redirect()` or `error()`; what is streamed later may read the session and no longer
 * change it. SvelteKit gives every unforeseen error the status 500: an error page that a failed look at the session led to
 * gets the status 503, and a session that could not be saved, or a request from another site, is answered as `onError`
 * says, by default plainly.
 *
 * What `event.fetch` asks of the app itself is part of the request and works on its session. With `credentials: "omit"`, or
 * with a Cookie header by hand that lacks what this visitor's browser sent, it is a request of somebody else, whose session
 * cookie is not passed on to this browser.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
  {
    onError = (error) => error.getResponse(),
  }: { readonly onError?: (error: SessionError, event: RequestEvent) => Response } = {},
): Handle {
  const sessions = sessionsFrom(given);
  /** Set while the app fetches from itself: what the handle of that request goes by. */
  const fetching = new AsyncLocalStorage<Fetching | undefined>();

  /** `event.fetch`, which tells the handle of the request that it makes whose request it is part of. */
  function fetchWithin(event: RequestEvent, session: Session): typeof event.fetch {
    const { fetch, request } = event;
    return (info, init) => fetching.run(isOwnFetch(request, info, init) ? { session } : undefined, fetch, info, init);
  }

  /**
   * What SvelteKit makes of what a handle threw, with these lines in its head. Its redirects have the cookies of the event.
   * Its error pages have none, so one is fetched from the app itself: that request's handle, this one again, throws the
   * same, and a response comes back that can be given lines. `fetch` and `setCookie` are SvelteKit's own.
   */
  async function withLinesThrown(
    thrown: unknown,
    lines: readonly HeaderLine[],
    event: RequestEvent,
    { fetch, setCookie }: { readonly fetch: RequestEvent["fetch"]; readonly setCookie: RequestEvent["cookies"]["set"] },
  ): Promise<Response> {
    if (lines.length === 0) throw thrown;
    if (isRedirect(thrown)) {
      for (const [name, line] of lines) {
        if (!isSetCookie(name)) continue;
        const { name: cookie, value, ...attributes } = readSetCookie(line);
        setCookie(cookie, value, { httpOnly: false, secure: false, ...attributes, encode: (text) => text });
      }
      throw thrown;
    }
    const headers = { accept: event.request.headers.get("accept") ?? "text/html" };
    const page = fetching.run({ thrown, locals: event.locals }, fetch, event.request.url, { headers });
    return withLines(await page, lines);
  }

  return async ({ event, resolve }) => {
    // SvelteKit has one type for all events; `Register` says which data the session holds.
    const found = findOpened(event, sessions);
    if (found !== undefined) {
      event.locals.session = found;
      return resolve(event);
    }
    const { fetch, cookies } = event;
    // Taken now: once a response was made, SvelteKit puts a function there that throws.
    const own = { fetch, setCookie: cookies.set };
    const begin = (session: Session): void => {
      event.locals.session = session;
      Object.assign(event, { fetch: fetchWithin(event, session) });
    };

    const part = event.isSubRequest ? fetching.getStore() : undefined;
    if (part !== undefined && "thrown" in part) {
      Object.assign(event.locals, part.locals);
      throw part.thrown;
    }
    if (part !== undefined) {
      begin(part.session);
      return resolve(event);
    }

    let response: Response | undefined;
    try {
      const session = await sessions.open(new SvelteKitSource(event));
      markOpened(event, sessions, session);
      begin(session as unknown as Session);
      const commit = async (made?: Response): Promise<HeaderLine[]> => {
        const lines = await sessions.commit(session, { header: (name) => made?.headers.get(name) });
        // SvelteKit hands the cookies of what the app fetches from itself to the browser that made the outer request.
        return event.isSubRequest ? lines.filter(([name]) => !isSetCookie(name)) : lines;
      };
      try {
        response = withSessionStatus(await resolve(event), session);
      } catch (error) {
        if (isSessionError(error)) throw error;
        return await withLinesThrown(error, await commit(), event, own);
      }
      requireSession(event.locals.session, "locals.session");
      return withLines(response, await commit(response));
    } catch (error) {
      discard(response);
      if (isSessionError(error)) return onError(error, event);
      throw error;
    }
  };
}

/** A request that the app makes of itself is part of another one, or stands for one whose handle threw. */
type Fetching = { readonly session: Session } | { readonly thrown: unknown; readonly locals: App.Locals };

/** Whether a fetch carries what this visitor's browser sent: SvelteKit adds that, unless it is told not to. */
function isOwnFetch(request: Request, info: RequestInfo | URL, init: RequestInit | undefined): boolean {
  const { credentials, headers } = info instanceof Request ? info : (init ?? {});
  if (credentials === "omit") return false;
  const cookies = new Headers(headers).get("cookie");
  if (cookies === null) return true;
  const given = pairsOf(cookies);
  const own = pairsOf(request.headers.get("cookie") ?? "");
  return own.length > 0 && own.every((pair) => given.includes(pair));
}

function pairsOf(cookies: string): string[] {
  return cookies.split(/; */).filter((pair) => pair !== "");
}

/** By shape: the class that an app throws is a copy that its bundler has made. */
function isRedirect(error: unknown): boolean {
  return error instanceof Object && "location" in error && "status" in error;
}

class SvelteKitSource extends FetchRequest {
  readonly #event: RequestEvent;

  constructor(event: RequestEvent) {
    super(event.request);
    this.#event = event;
  }

  /** Asked for only where it is needed: while pages are prerendered there is none, and SvelteKit throws. */
  override get address(): string {
    return this.#event.getClientAddress();
  }
}
