import type { ExtendableContext, Middleware } from "koa";
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

declare module "koa" {
  interface ExtendableContext {
    /** This visitor's session; types come from `Register`. */
    session: Session;
  }
}

/**
 * ```ts
 * app.use(session({ secret: process.env.SESSION_SECRET }));
 * app.use((ctx) => {
 *   ctx.body = `Hello ${ctx.session.get("username") ?? "stranger"}`;
 * });
 * ```
 *
 * For Koa 3. The session is saved when the response is about to leave, after all middleware, also with
 * `ctx.respond = false` and for the pages of `ctx.onerror`. A save that fails goes to `ctx.onerror`, and so to the app's
 * "error" event; it comes too late for a `try` around `next()`. With `app.proxy`, the proxy's headers tell scheme and host.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
): Middleware {
  const sessions = sessionsFrom(given);
  return async (ctx, next) => {
    // Koa has one type for all contexts; `Register` says which data the session holds.
    const found = findOpened(ctx, sessions);
    if (found !== undefined) {
      ctx.session = found;
      return next();
    }
    const opened = sessions.open(new KoaRequest(ctx));
    const session = isPromise(opened) ? await opened : opened;
    markOpened(ctx, sessions, session);
    ctx.session = session as unknown as Session;
    const commit: Commit = (head) => {
      requireSession(ctx.session, "ctx.session");
      return sessions.commit(session, head);
    };
    deferHead(ctx.res, commit, (error) => ctx.onerror(error instanceof Error ? error : new Error(String(error))));
    return next();
  };
}

class KoaRequest extends NodeRequest {
  readonly #ctx: ExtendableContext;

  constructor(ctx: ExtendableContext) {
    super(ctx.req, ctx.res);
    this.#ctx = ctx;
  }

  override get address(): string {
    return this.#ctx.ip;
  }

  override header(name: string): string | undefined {
    return name === "host" ? this.#ctx.host : super.header(name);
  }

  protected override get scheme(): string {
    return this.#ctx.protocol;
  }

  protected override get target(): string {
    return this.#ctx.originalUrl;
  }
}
