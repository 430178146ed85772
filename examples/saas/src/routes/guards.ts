import type { MiddlewareHandler } from "hono";
import type { AppContext, AppEnv } from "../context.ts";
import { sentSessionCookie } from "../lib/session-cookie.ts";

/** Finds who is signed in, once for each request. A session of an account that is gone is ended. */
export const findUser: MiddlewareHandler<AppEnv> = async (c, next) => {
  const session = c.get("session");
  const user = session.userId === null ? null : c.get("services").users.byId(session.userId);
  if (session.userId !== null && user === null) session.logout();
  c.set("user", user);
  await next();
};

/** Sends a visitor who is not signed in to the sign-in page, and back to `path` from there. */
export function requireUser(path: string): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (c.get("user") !== null) return next();
    // A cookie that opens no session: most likely one that has ended while the visitor was away.
    const ended = sentSessionCookie(c.req.header("cookie")) === null ? "" : "ended=gone&";
    return c.redirect(`/sign-in?${ended}next=${encodeURIComponent(path)}`, 303);
  };
}

/** As {@link requireUser}, and asks for the password again when the sign-in is too long ago. */
export function requireFresh(path: string): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    if (isFresh(c)) return next();
    if (c.req.method !== "GET")
      c.get("session").flash("Nothing was changed yet. Enter your password, then try again.", "warning");
    return c.redirect(`/confirm?next=${encodeURIComponent(path)}`, 303);
  };
}

export function isFresh(c: AppContext): boolean {
  return c.get("session").isFresh(c.get("services").config.freshFor);
}
