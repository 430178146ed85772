import express from "express";
import { Passport } from "passport";
import { Strategy } from "passport-local";
import { describe, expect, test } from "vitest";
import { session } from "../../src/adapters/express.ts";
import { Client, sessionCookies, type WatchedSessions } from "../../src/testing/adapter/client.ts";
import { backends, servers } from "./listen.ts";

const start = servers();
const users = new Map([["7", { id: "7", name: "Ada" }]]);

interface User {
  id: string;
  name: string;
}

/** Who is signed in, where Passport's own `passport.session()` would say it. */
const setUser: express.RequestHandler = (request, _response, next) => {
  const { userId } = request.session;
  if (userId !== null) request.user = users.get(userId);
  next();
};

/** What `failureFlash` and `successFlash` call; in the place of connect-flash, which keeps its messages on the session. */
const flash: express.RequestHandler = (request, _response, next) => {
  Object.assign(request, {
    flash: (category: string, message: string) => request.session.flash(message, category),
  });
  next();
};

function app(sessions: WatchedSessions): express.Express {
  const passport = new Passport();
  passport.use(
    new Strategy((username, password, done) => {
      const user = [...users.values()].find(({ name }) => name === username);
      done(null, password === "right" && user !== undefined ? user : false);
    }),
  );
  const app = express();
  app.use(express.urlencoded(), session(sessions), setUser, flash);
  app.get("/", (request, response) => {
    const { name = "nobody" } = (request.user ?? {}) as Partial<User>;
    response.send(
      `${name}, cart ${request.session.get("cart") ?? "empty"}, ${request.session.flashes().length} messages`,
    );
  });
  app.post("/cart", (request, response) => void response.send(String(request.session.set("cart", "tea").get("cart"))));
  const options = { session: false, failureRedirect: "/failed", failureFlash: "Wrong password." };
  app.post("/sign-in", passport.authenticate("local", options), (request, response) => {
    request.session.login((request.user as User).id);
    response.redirect("/");
  });
  app.post("/sign-out", (request, response) => {
    request.session.logout();
    response.redirect("/");
  });
  return app;
}

describe.each(backends)("passport says who it is and a session remembers it, %s", (_, make) => {
  test("signing in and out", async () => {
    const origin = await start(app(make()));
    const visitor = new Client(origin);
    const post = (path: string, body = "") =>
      visitor.send({ method: "POST", path, body, headers: { "content-type": "application/x-www-form-urlencoded" } });
    await post("/cart");
    const before = visitor.cookie;
    expect((await post("/sign-in", "username=Ada&password=wrong")).status).toBe(302);
    expect((await visitor.get("/")).body).toBe("nobody, cart tea, 1 messages");
    const signedIn = await post("/sign-in", "username=Ada&password=right");
    expect([signedIn.status, sessionCookies(signedIn).length, visitor.cookie === before]).toEqual([302, 1, false]);
    expect((await visitor.get("/")).body).toBe("Ada, cart tea, 0 messages");
    // The same person once more: a new cookie all the same, and the one before is dead.
    const first = visitor.cookie;
    await post("/sign-in", "username=Ada&password=right");
    expect(visitor.cookie).not.toBe(first);
    const thief = new Client(origin);
    thief.cookie = first;
    expect((await thief.get("/")).body).toBe("nobody, cart empty, 0 messages");
    const old = visitor.cookie;
    await post("/sign-out");
    expect((await visitor.get("/")).body).toBe("nobody, cart empty, 0 messages");
    visitor.cookie = old;
    expect((await visitor.get("/")).body).toBe("nobody, cart empty, 0 messages");
  });
});
