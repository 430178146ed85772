import type { H3Config, H3Event, Middleware } from "h3";
import type { SessionError } from "../errors.ts";
import { isSessionError } from "../errors.ts";
import { type HeaderLine, representationHeaders } from "../http/headers.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { isPromise } from "../util/promise.ts";
import { FetchRequest } from "./shared/fetch-request.ts";
import { discard, withLines, writeLines } from "./shared/fetch-response.ts";
import { isAlreadyOpened } from "./shared/mount-guard.ts";
import { requireSession } from "./shared/require-session.ts";

export type { Register } from "../index.ts";

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
 * when they throw and for a 404, and before h3 makes the response. What fails goes to h3's own error path; an `HTTPError`
 * that a `SessionError` became has it as its `cause`.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
): Middleware {
  const sessions = sessionsFrom(given);
  return async (event, next) => {
    if (isAlreadyOpened(event, sessions)) return next();
    let session: Session<Data> | undefined;
    let answer: unknown;
    try {
      const opened = sessions.open(new FetchRequest(event.req, event.req.ip, event.req.runtime?.node?.req.httpVersion));
      session = isPromise(opened) ? await opened : opened;
      // h3 has one type for all contexts; `Register` says which data the session holds.
      event.context.session = session as unknown as Session;
      answer = await next();
    } catch (error) {
      if (session !== undefined) await commit(sessions, session, event, undefined);
      throw isSessionError(error) ? new RefusedError(error) : error;
    }
    await commit(sessions, session, event, answer);
    return answer;
  };
}

/** h3 lays `res.headers` over what a handler answers with, and `res.errHeaders` over what it makes of an error. */
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
    requireSession(event.context.session, "event.context.session");
    const lines = await sessions.commit(session, { header: (name) => headers.get(name) ?? own?.get(name) });
    if (lines.length === 0) return;
    writeLines(headers, lines);
    writeLines(errHeaders, lines);
    errorLines.set(event, lines);
    if (event.app !== undefined) coverOnError(event.app.config);
  } catch (error) {
    if (answer instanceof Response) discard(answer);
    for (const name of representationHeaders) headers.delete(name);
    throw isSessionError(error) ? new RefusedError(error) : error;
  }
}

const errorLines = new WeakMap<H3Event, readonly HeaderLine[]>();
const covered = new WeakSet<object>();

/** The one answer over which h3 lays nothing is a `Response` of the app's `onError`, and each error page of Nitro is one. */
function coverOnError(config: H3Config): void {
  const { onError } = config;
  if (onError === undefined || covered.has(onError)) return;
  const cover: typeof onError = async (error, event) => {
    const answer = await onError(error, event);
    return answer instanceof Response ? withLines(answer, errorLines.get(event) ?? []) : answer;
  };
  covered.add(cover);
  config.onError = cover;
}

/** What h3 takes for an error of its own: it answers with the status and headers, and logs no stack for each refusal. */
class RefusedError extends Error {
  override readonly name = "HTTPError";
  readonly status: number;
  readonly headers: Headers;
  override readonly cause: SessionError;

  constructor(cause: SessionError) {
    super(cause.expose ? cause.message : "the session is not available");
    this.status = cause.status;
    this.headers = new Headers(cause.headers);
    this.cause = cause;
  }

  toJSON(): object {
    return { status: this.status, message: this.message };
  }
}
