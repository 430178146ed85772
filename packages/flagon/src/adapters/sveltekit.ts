import type { RequestEvent } from "@sveltejs/kit";
import type { Handle } from "@sveltejs/kit/hooks";
import type { SessionError } from "../errors.ts";
import { isSessionError } from "../errors.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { withSessionStatus } from "./shared/fetch-error.ts";
import { FetchRequest } from "./shared/fetch-request.ts";
import { discard, withLines } from "./shared/fetch-response.ts";
import { isAlreadyOpened } from "./shared/mount-guard.ts";
import { requireSession } from "./shared/require-session.ts";

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
 * For SvelteKit 3. The session is saved when `resolve` has made the response and before its first byte; what is streamed
 * later may read the session and no longer change it. SvelteKit gives every unforeseen error the status 500: an error page
 * that a failed look at the session led to gets the status 503, and a session that could not be saved, or a request from
 * another site, is answered as `onError` says, by default plainly.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
  {
    onError = (error) => error.getResponse(),
  }: { readonly onError?: (error: SessionError, event: RequestEvent) => Response } = {},
): Handle {
  const sessions = sessionsFrom(given);
  return async ({ event, resolve }) => {
    if (isAlreadyOpened(event, sessions)) return resolve(event);
    let response: Response | undefined;
    try {
      const session = await sessions.open(new SvelteKitSource(event));
      // SvelteKit has one type for all events; `Register` says which data the session holds.
      event.locals.session = session as unknown as Session;
      const made = withSessionStatus(await resolve(event), session);
      response = made;
      requireSession(event.locals.session, "locals.session");
      return withLines(made, await sessions.commit(session, { header: (name) => made.headers.get(name) }));
    } catch (error) {
      discard(response);
      if (isSessionError(error)) return onError(error, event);
      throw error;
    }
  };
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
