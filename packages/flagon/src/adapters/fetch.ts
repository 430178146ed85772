import type { SessionError } from "../errors.ts";
import { isSessionError } from "../errors.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { FetchRequest } from "./shared/fetch-request.ts";
import { discard, withLines } from "./shared/fetch-response.ts";
import { findOpened, forgetOpened, markOpened } from "./shared/mount-guard.ts";

export type { Register } from "../index.ts";

/** A fetch handler that is given the session; `rest` is what the runtime passes besides (`env`, `ctx`, `info`). */
export type SessionHandler<Data extends object, Rest extends unknown[]> = (
  request: Request,
  session: Session<Data>,
  ...rest: Rest
) => Response | Promise<Response>;

/** Gives a fetch handler its session, on Bun, Deno, Workers and wherever else a `Request` becomes a `Response`. */
export type WithSession<Data extends object> = <Rest extends unknown[]>(
  handler: SessionHandler<Data, Rest>,
) => (request: Request, ...rest: Rest) => Promise<Response>;

/**
 * ```ts
 * const withSession = session({ secret: process.env.SESSION_SECRET });
 * export default { fetch: withSession((request, session) => new Response(`Hello ${session.get("username")}`)) };
 * ```
 *
 * The session is saved before the response is handed on, with the cookie in its head. A `SessionError` (a request from
 * another site, a store that is down) becomes the response that `onError` makes of it, else the error's own. Whatever else
 * the handler throws rejects the promise, and then nothing is saved, since there is no response to put a cookie on.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
  {
    onError = (error) => error.getResponse(),
  }: { readonly onError?: (error: SessionError, request: Request) => Response } = {},
): WithSession<Data> {
  const sessions = sessionsFrom(given);
  return (handler) =>
    async (request, ...rest) => {
      const found = findOpened<Data>(request, sessions);
      if (found !== undefined) return handler(request, found, ...rest);
      let response: Response | undefined;
      try {
        const session = await sessions.open(new FetchRequest(request));
        markOpened(request, sessions, session);
        const made = await handler(request, session, ...rest);
        response = made;
        // On Bun, a handler that has upgraded to a WebSocket answers with nothing, whatever its type says.
        const lines = await sessions.commit(session, { header: (name) => made?.headers.get(name) });
        return made && withLines(made, lines);
      } catch (error) {
        discard(response);
        if (isSessionError(error)) return onError(error, request);
        throw error;
      } finally {
        forgetOpened(request, sessions);
      }
    };
}
