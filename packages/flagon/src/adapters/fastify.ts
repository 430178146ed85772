import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from "fastify";
import { type HeaderLine, representationHeaders } from "../http/headers.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { isPromise } from "../util/promise.ts";
import { type Commit, deferHead, type TakeCommit } from "./shared/deferred-head.ts";
import { findOpened, markOpened } from "./shared/mount-guard.ts";
import { respondWithError } from "./shared/node-error.ts";
import { NodeRequest } from "./shared/node-request.ts";
import { requireSession } from "./shared/require-session.ts";

export type { Register } from "../index.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** This visitor's session; types come from `Register`. */
    session: Session;
  }
}

/**
 * ```ts
 * app.register(session({ secret: process.env.SESSION_SECRET }));
 * app.get("/", (request) => `Hello ${request.session.get("username") ?? "stranger"}`);
 * ```
 *
 * For Fastify 5. The session is saved in an `onSend` hook, before the response's first byte; what fails goes to the app's
 * error handler, and nothing of the response that was under way is sent. After `reply.hijack()`, and for what is written
 * to `reply.raw`, there are no hooks: the raw response is then held until the save, and a failure answered plainly.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
): FastifyPluginCallback {
  const sessions = sessionsFrom(given);
  // On the request itself: a WeakMap with an entry for each doubled the request's processor time, most of it collecting.
  const takeCommit: unique symbol = Symbol("flagon.takeCommit");
  type Held = FastifyRequest & { [takeCommit]?: TakeCommit };
  const plugin: FastifyPluginCallback = (app, _options, registered) => {
    if (!app.hasRequestDecorator("session")) app.decorateRequest("session");

    app.addHook("onRequest", (request, reply, done) => {
      // Fastify has one type for all requests; `Register` says which data the session holds.
      const found = findOpened(request, sessions);
      if (found !== undefined) {
        request.session = found;
        return done();
      }
      const start = (session: Session<Data>): void => {
        markOpened(request, sessions, session);
        request.session = session as unknown as Session;
        const commit: Commit = (head) => {
          requireSession(request.session, "request.session");
          return sessions.commit(session, head);
        };
        (request as Held)[takeCommit] = deferHead(reply.raw, commit, (error) => respondWithError(reply.raw, error));
        done();
      };
      try {
        const opened = sessions.open(new FastifySource(request, reply));
        if (isPromise(opened)) opened.then(start).catch(done);
        else start(opened);
      } catch (error) {
        done(error as Error);
      }
    });

    app.addHook("onSend", (request, reply, payload, done) => {
      // The error page that a failed commit leads to is not committed again, and neither is what was hijacked.
      const commit = (request as Held)[takeCommit]?.();
      if (!commit) return done(null, payload);
      const response = isResponse(payload) && !payload.bodyUsed ? payload : null;
      const finish = (lines: HeaderLine[]): void => {
        // After the last hook Fastify lays a Response's own head over the reply's: so it goes there before the lines do.
        if (response !== null) {
          reply.code(response.status);
          for (const [name, value] of response.headers) reply.header(name, value);
        }
        // Set-Cookie lines are appended, by Fastify before 5.12 to the app's own list: so it gets one of ours first.
        const cookies = reply.getHeader("set-cookie");
        if (Array.isArray(cookies)) reply.removeHeader("set-cookie").header("set-cookie", [...cookies]);
        for (const [name, value] of lines) reply.header(name, value);
        done(null, response === null ? payload : bodyOf(response, request));
      };
      const fail = (error: Error): void => {
        discard(reply, payload);
        done(error);
      };
      let lines: HeaderLine[] | Promise<HeaderLine[]>;
      try {
        lines = commit({ header: (name) => response?.headers.get(name) ?? reply.getHeader(name) });
      } catch (error) {
        lines = Promise.reject(error);
      }
      if (isPromise(lines)) lines.then(finish).catch(fail);
      else finish(lines);
    });
    registered();
  };
  // As fastify-plugin does: the hooks hold for the app that registers this, and not for a part of their own.
  return Object.assign(plugin, { [Symbol.for("skip-override")]: true });
}

/** The error's response starts afresh, and what would have fed the lost one stops. */
function discard(reply: FastifyReply, payload: unknown): void {
  for (const name of representationHeaders) reply.removeHeader(name);
  const body = isResponse(payload) ? payload.body : payload;
  if (body instanceof ReadableStream) body.cancel().catch(() => {});
  else if (isDestroyable(body)) body.destroy();
}

/** As Fastify tells one, whichever library's class it is. */
function isResponse(payload: unknown): payload is Response {
  return Object.prototype.toString.call(payload) === "[object Response]";
}

/** Fastify's own HEAD routes measure what they are given, and cannot measure null. */
function bodyOf({ body }: Response, { method }: FastifyRequest): ReadableStream | string | null {
  return body === null && method === "HEAD" ? "" : body;
}

function isDestroyable(body: unknown): body is { destroy(): void } {
  return body instanceof Object && "destroy" in body && typeof body.destroy === "function";
}

/** Scheme, host and address as `trustProxy` lets the proxy's headers tell them. */
class FastifySource extends NodeRequest {
  readonly #request: FastifyRequest;

  constructor(request: FastifyRequest, reply: FastifyReply) {
    super(request.raw, reply.raw);
    this.#request = request;
  }

  override get address(): string | undefined {
    return this.#request.ip;
  }

  override header(name: string): string | undefined {
    return name === "host" ? this.#request.host : super.header(name);
  }

  protected override get scheme(): string {
    return this.#request.protocol;
  }

  protected override get target(): string {
    return this.#request.originalUrl;
  }
}
