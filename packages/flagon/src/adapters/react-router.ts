import type { MiddlewareFunction, RouterContext } from "react-router";
import type { SessionError } from "../errors.ts";
import { isSessionError } from "../errors.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { withSessionStatus } from "./shared/fetch-error.ts";
import { FetchRequest } from "./shared/fetch-request.ts";
import { discard, withLines } from "./shared/fetch-response.ts";
import { findOpened, markOpened } from "./shared/mount-guard.ts";
import { requireSession } from "./shared/require-session.ts";

export type { Register } from "../index.ts";

/** Where loaders, actions and middleware find this visitor's session: `context.get(sessionContext)`. */
export const sessionContext: RouterContext<Session> = Object.freeze({});

/**
 * ```ts
 * // app/root.tsx
 * export const middleware = [session(sessions)];
 * // any route
 * export const loader = ({ context }: Route.LoaderArgs) => ({ username: context.get(sessionContext).get("username") });
 * ```
 *
 * For React Router 8 with a server (framework mode). The session is saved when `next()` has made the response, thrown
 * redirects included, and before its first byte; what is streamed later may read the session and no longer change it.
 * React Router gives every unforeseen error the status 500: an error page that a failed look at the session led to gets
 * the status 503. A session that could not be saved, and a request from another site, is answered as `onError` says, by
 * default plainly; what `onError` throws goes to the root's ErrorBoundary.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
  {
    onError = (error) => error.getResponse(),
  }: { readonly onError?: (error: SessionError, request: Request) => Response } = {},
): MiddlewareFunction<Response> {
  const sessions = sessionsFrom(given);
  return async ({ request, context }, next) => {
    // One context serves all sessions; `Register` says which data they hold.
    const found = findOpened(context, sessions);
    if (found !== undefined) {
      context.set(sessionContext, found);
      return next();
    }
    let response: Response | undefined;
    try {
      const session = await sessions.open(new FetchRequest(request));
      markOpened(context, sessions, session);
      context.set(sessionContext, session as unknown as Session);
      const made = withSessionStatus(await next(), session);
      response = made;
      requireSession(context.get(sessionContext), "the session in sessionContext");
      return withLines(made, await sessions.commit(session, { header: (name) => made.headers.get(name) }));
    } catch (error) {
      if (!isSessionError(error)) throw error;
      discard(response);
      return onError(error, request);
    }
  };
}
