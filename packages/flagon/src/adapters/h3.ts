import type { H3Event, HTTPError, Middleware } from "h3";
import type { SessionError } from "../errors.ts";
import { isSessionError } from "../errors.ts";
import { representationHeaders } from "../http/headers.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { isPromise } from "../util/promise.ts";
import { FetchRequest } from "./shared/fetch-request.ts";
import { discard, writeLines } from "./shared/fetch-response.ts";
import { findOpened, markOpened } from "./shared/mount-guard.ts";
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
    // h3 has one type for all contexts; `Register` says which data the session holds.
    const found = findOpened(event, sessions);
    if (found !== undefined) {
      event.context.session = found;
      return next();
    }
    let session: Session<Data> | undefined;
    let answer: unknown;
    try {
      const opened = sessions.open(new FetchRequest(event.req, event.req.ip, event.req.runtime?.node?.req.httpVersion));
      session = isPromise(opened) ? await opened : opened;
      markOpened(event, sessions, session);
      event.context.session = session as unknown as Session;
      answer = await next();
    } catch (error) {
      const failure = isSessionError(error) ? new RefusedError(error) : error;
      if (session === undefined || !(await commit(sessions, session, event, undefined))) throw failure;
      return errorPage(failure, event);
    }
    const hasLines = await commit(sessions, session, event, answer);
    return hasLines && isFailure(answer) ? errorPage(answer, event) : answer;
  };
}

/**
 * Whether there are header lines to send. h3 lays `res.headers` over a copy of what a handler answers with, and
 * `res.errHeaders` over what it makes of an error.
 */
async function commit<Data extends object>(
  sessions: Sessions<Data>,
  session: Session<Data>,
  event: H3Event,
  answer: unknown,
): Promise<boolean> {
  const { headers, errHeaders } = event.res;
  const own =
    answer instanceof Object && "headers" in answer && answer.headers instanceof Headers ? answer.headers : null;
  try {
    requireSession(event.context.session, "event.context.session");
    const lines = await sessions.commit(session, { header: (name) => headers.get(name) ?? own?.get(name) });
    writeLines(headers, lines);
    writeLines(errHeaders, lines);
    return lines.length > 0;
  } catch (error) {
    if (answer instanceof Response) discard(answer);
    for (const name of representationHeaders) headers.delete(name);
    throw isSessionError(error) ? new RefusedError(error) : error;
  }
}

/** h3's own mark for a request that no route took. */
const notFound = Symbol.for("h3.notFound");

function isFailure(answer: unknown): boolean {
  return answer === notFound || answer instanceof Error;
}

/**
 * What the app's `onError` makes of the failure, asked here: over a `Response` that h3 gets from it h3 lays no headers, while
 * over one that a handler answers with it does. Without an `onError` the failure goes on to h3.
 */
async function errorPage(failure: unknown, event: H3Event): Promise<unknown> {
  const { onError, silent } = event.app?.config ?? {};
  if (onError === undefined) {
    if (failure === notFound) return failure;
    throw failure;
  }
  const error = failure instanceof Error && failure.name === "HTTPError" ? failure : new HandlerError(failure, event);
  // biome-ignore lint/suspicious/noConsole: h3 does so with what nobody foresaw, and would not see this one
  if ((error as HandlerError).unhandled && !silent) console.error(error);
  const page = await onError(error as unknown as HTTPError, event);
  if (page !== undefined && page !== null) return page;
  const { status, headers } = error as RefusedError;
  return new Response(JSON.stringify(error), {
    status,
    headers: [...(headers ?? []), ["content-type", "application/json;charset=UTF-8"]],
  });
}

/** What h3 makes of what a handler threw: an error with a status, whose cause that is. */
class HandlerError extends Error {
  override readonly name = "HTTPError";
  readonly status: number;
  readonly unhandled: true | undefined;
  readonly headers: Headers = new Headers();

  constructor(cause: unknown, { req, url }: H3Event) {
    const isLost = cause === notFound;
    const message = isLost ? `Cannot find any route matching [${req.method}] ${url}` : messageOf(cause);
    super(message, isLost ? undefined : { cause });
    this.status = isLost ? 404 : 500;
    this.unhandled = isLost ? undefined : true;
    if (cause instanceof Error && cause.stack) this.stack = cause.stack;
  }

  toJSON(): object {
    const { status, unhandled, message } = this;
    return { status, unhandled, message: unhandled ? "HTTPError" : message };
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : "HTTPError 500";
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
