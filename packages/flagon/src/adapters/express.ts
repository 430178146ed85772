import type { Request, RequestHandler, Response } from "express";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { isPromise } from "../util/promise.ts";
import { type Commit, deferHead } from "./shared/deferred-head.ts";
import { findOpened, markOpened } from "./shared/mount-guard.ts";
import { NodeRequest } from "./shared/node-request.ts";
import { requireSession } from "./shared/require-session.ts";

export type { Register } from "../index.ts";

declare global {
  namespace Express {
    interface Request {
      /** This visitor's session; types come from `Register`. */
      session: Session;
    }
  }
}

/**
 * ```ts
 * app.use(session({ secret: process.env.SESSION_SECRET }));
 * app.get("/", (request, response) => response.send(`Hello ${request.session.get("username") ?? "stranger"}`));
 * ```
 *
 * For Express 5 and 4. The session is saved before the response's first byte, so a redirect leaves after the save. What
 * fails goes to the app's error handlers with its `status`, and none of the response that was under way is sent. Behind
 * a proxy, `app.set("trust proxy", …)` tells which scheme and host the visitor used. A socket's handshake has its session to
 * read: `io.engine.use(session(sessions))` for Socket.IO, `session(sessions)(request, {}, next)` in an `upgrade` listener.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
): RequestHandler {
  const sessions = sessionsFrom(given);
  return (request, response, next) => {
    // Express has one type for all requests; `Register` says which data the session holds.
    const found = findOpened(request, sessions);
    if (found !== undefined) {
      request.session = found;
      return next();
    }
    const start = (session: Session<Data>): void => {
      markOpened(request, sessions, session);
      request.session = session as unknown as Session;
      const commit: Commit = (head) => {
        requireSession(request.session, "request.session");
        return sessions.commit(session, head);
      };
      if (!source.isUpgrade) deferHead(response, commit, next);
      next();
    };
    const source = new ExpressRequest(request, response);
    try {
      const opened = sessions.open(source);
      if (isPromise(opened)) opened.then(start).catch(next);
      else start(opened);
    } catch (error) {
      next(error);
    }
  };
}

/**
 * Scheme, host and address as "trust proxy" lets the proxy's headers tell them; Node's own for a request that never came to the
 * app, as a socket's handshake.
 */
class ExpressRequest extends NodeRequest {
  readonly #request: Request;

  constructor(request: Request, response: Response) {
    super(request, response);
    this.#request = request;
  }

  override get address(): string | undefined {
    return this.#request.ip ?? super.address;
  }

  override header(name: string): string | undefined {
    if (name !== "host") return super.header(name);
    const { app, socket }: Partial<Request> = this.#request;
    const forwarded = super.header("x-forwarded-host");
    const trusts: ((address: string | undefined, hop: number) => boolean) | undefined = app?.get("trust proxy fn");
    return forwarded !== undefined && trusts?.(socket?.remoteAddress, 0)
      ? forwarded.split(",")[0]?.trim()
      : super.header(name);
  }

  protected override get scheme(): string {
    return this.#request.protocol ?? super.scheme;
  }

  protected override get target(): string {
    return this.#request.originalUrl ?? super.target;
  }
}
