import type { H3Event, Middleware } from "h3";
import type { RegisteredData } from "./index.ts";
import { FetchRequest } from "./lib/fetch-request.ts";
import { deadHeaders, isPromise, isSetCookie } from "./lib/header-lines.ts";
import { isMountedAgain } from "./lib/mounted.ts";
import type { SessionOptions } from "./options.ts";
import type { Session } from "./session.ts";
import { type Sessions, sessionsFrom } from "./sessions.ts";

export type { Register } from "./index.ts";

declare module "h3" {
  interface H3EventContext {
    /** This visitor's session; types come from `Register`. */
    session: Session;
  }
}

/**
 * ```ts
 * app.use(session({ secret: process.env.SESSION_SECRET }));
 * app.get("/", (event) => `Hello ${event.context.session.get("username") ?? "stranger"}`);
 * ```
 *
 * For h3 2, and for Nitro 3 as a middleware's default export. The session is saved when the handlers are through, also
 * when they throw and for a 404, and before h3 makes the response. What fails is thrown on, to h3's `onError`; when that
 * answers with a `Response` of its own, h3 sends it as it is, without the cookie.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
): Middleware {
  const sessions = sessionsFrom(given);
  return async (event, next) => {
    if (isMountedAgain(event, sessions)) return next();
    const opened = sessions.open(new FetchRequest(event.req, event.req.ip));
    const session = isPromise(opened) ? await opened : opened;
    // h3 has one type for all contexts; `Register` says which data the session holds.
    event.context.session = session as unknown as Session;
    let answer: unknown;
    try {
      answer = await next();
    } catch (error) {
      await commit(sessions, session, event, undefined);
      throw error;
    }
    await commit(sessions, session, event, answer);
    return answer;
  };
}

/** h3 lays `res.headers` over what a handler answers with, and `res.errHeaders` over an error's response. */
async function commit<Data extends object>(
  sessions: Sessions<Data>,
  session: Session<Data>,
  event: H3Event,
  answer: unknown,
): Promise<void> {
  const { headers, errHeaders } = event.res;
  const own =
    answer instanceof Object && "headers" in answer && answer.headers instanceof Headers ? answer.headers : null;
  try {
    const lines = await sessions.commit(session, { header: (name) => headers.get(name) ?? own?.get(name) });
    for (const [name, value] of lines) {
      for (const each of [headers, errHeaders]) {
        if (isSetCookie(name)) each.append(name, value);
        else each.set(name, value);
      }
    }
  } catch (error) {
    if (answer instanceof Response) answer.body?.cancel().catch(() => {});
    for (const name of deadHeaders) headers.delete(name);
    throw error;
  }
}
