import express from "express";
import { Passport } from "passport";
import { Strategy } from "passport-local";
import { describe, expect, test } from "vitest";
import { session } from "../../src/adapters/express.ts";
import { Client, sessionCookies, type WatchedSessions } from "../../src/testing/adapter/client.ts";
import { homes, servers } from "./listen.ts";

const start = servers();
const users = new Map([["7", { id: "7", name: "Ada" }]]);

interface User {
  id: string;
  name: string;
}

/** What Passport expects of a session, said in Flagon's words: mount it between `session(…)` and `passport.session()`. */
const passportSession: express.RequestHandler = (request, _response, next) => {
  const { session } = request;
  const passport: { user?: string } = session.userId === null ? {} : { user: session.userId };
  Object.assign(session, {
    passport,
    regenerate: (done: () => void) => done(), // login and logout give a new id by themselves
    save: (done: () => void) => {
      if (passport.user === undefined && session.userId !== null) session.logout();
      else if (passport.user !== undefined && passport.user !== session.userId) session.login(passport.user);
      done();
    },
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
  passport.serializeUser((user, done) => done(null, (user as User).id));
  passport.deserializeUser((id: string, done) => done(null, users.get(id) ?? false));
  const app = express();
  app.use(express.urlencoded(), session(sessions), passportSession, passport.session());
  app.get("/", (request, response) => {
    const { name = "nobody" } = (request.user ?? {}) as Partial<User>;
    response.send(
      `${name}, cart ${request.session.get("cart") ?? "empty"}, ${request.session.flashes().length} messages`,
    );
  });
  app.post("/cart", (request, response) => void response.send(String(request.session.set("cart", "tea").get("cart"))));
  app.post("/sign-in", passport.authenticate("local", { successRedirect: "/", failureRedirect: "/failed" }));
  app.post("/sign-out", (request, response, next) => {
    request.logOut((error) => (error === undefined || error === null ? response.redirect("/") : next(error)));
  });
  return app;
}

describe.each(homes)("passport keeps its login in a session, %s", (_, make) => {
  test("signing in and out", async () => {
    const visitor = new Client(await start(app(make())));
    const post = (path: string, body = "") =>
      visitor.send({ method: "POST", path, body, headers: { "content-type": "application/x-www-form-urlencoded" } });
    await post("/cart");
    const before = visitor.cookie;
    expect((await post("/sign-in", "username=Ada&password=wrong")).status).toBe(302);
    expect((await visitor.get("/")).body).toBe("nobody, cart tea, 0 messages");
    const signedIn = await post("/sign-in", "username=Ada&password=right");
    expect([signedIn.status, sessionCookies(signedIn).length, visitor.cookie === before]).toEqual([302, 1, false]);
    expect((await visitor.get("/")).body).toBe("Ada, cart tea, 0 messages");
    const old = visitor.cookie;
    await post("/sign-out");
    expect((await visitor.get("/")).body).toBe("nobody, cart empty, 0 messages");
    visitor.cookie = old;
    expect((await visitor.get("/")).body).toBe("nobody, cart empty, 0 messages");
  });
});
