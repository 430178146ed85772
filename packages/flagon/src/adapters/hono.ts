import type { Context, MiddlewareHandler } from "hono";
import { representationHeaders } from "../http/headers.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { isPromise } from "../util/promise.ts";
import { FetchRequest } from "./shared/fetch-request.ts";
import { discard, withLines } from "./shared/fetch-response.ts";
import { findOpened, markOpened } from "./shared/mount-guard.ts";
import type { NodeIncoming } from "./shared/node-request.ts";
import { requireSession } from "./shared/require-session.ts";

export type { Register } from "../index.ts";

/** `new Hono<SessionEnv>()`, or a part of the app's own `Env`: types `c.get("session")` and `c.var.session`. */
export interface SessionEnv<Data extends object = RegisteredData> {
  Variables: { session: Session<Data> };
}

/**
 * ```ts
 * const app = new Hono<SessionEnv>();
 * app.use(session({ secret: process.env.SESSION_SECRET }));
 * app.get("/", (c) => c.text(`Hello ${c.get("session").get("username") ?? "stranger"}`));
 * ```
 *
 * The session is saved when the handlers are through and before the response's first byte; responses of `app.notFound` and
 * `app.onError` are no exception. What fails goes to `app.onError`, which by default answers with the error's own
 * response, and nothing of the response that was under way is sent.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
): MiddlewareHandler<SessionEnv<Data>> {
  const sessions = sessionsFrom(given);
  return async (c, next) => {
    const found = findOpened<Data>(c, sessions);
    if (found !== undefined) {
      c.set("session", found);
      return next();
    }
    const opened = sessions.open(openRequest(c));
    const session = isPromise(opened) ? await opened : opened;
    markOpened(c, sessions, session);
    c.set("session", session);
    await next();
    try {
      requireSession(c.get("session"), 'c.get("session")');
      const committed = sessions.commit(session, { header: (name) => c.res.headers.get(name) });
      const lines = isPromise(committed) ? await committed : committed;
      if (lines.length > 0) replace(c, withLines(c.res, lines));
    } catch (error) {
      clear(c);
      throw error;
    }
  };
}

/** Hono lays the old response's headers over a new one, Set-Cookie included, unless the old one is taken away first. */
function replace(c: Context, response: Response): void {
  if (response === c.res) return;
  c.res = undefined;
  c.res = response;
}

/** The error's response starts afresh, without what described the lost one. */
function clear(c: Context): void {
  discard(c.res);
  c.res = undefined;
  c.finalized = false;
  for (const name of representationHeaders) c.header(name, undefined);
}

/** With what `@hono/node-server` knows of the connection; other runtimes have their own ways, and Hono no common one. */
function openRequest(c: Context): FetchRequest {
  const incoming: NodeIncoming | undefined = c.env?.incoming;
  return new FetchRequest(c.req.raw, incoming?.socket?.remoteAddress, incoming?.httpVersion, incoming?.upgrade);
}
