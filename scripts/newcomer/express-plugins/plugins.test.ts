/** What npm's session plug-ins do to a session of Flagon's: nothing of one visitor is another's, and nothing is lost in silence. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, beforeEach, test } from "node:test";
import connectFlash from "connect-flash";
import cookieSession from "cookie-session";
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { createSessions, SessionError } from "flagon";
import { session } from "flagon/express";
import { memoryStore } from "flagon/memory";
import morgan from "morgan";
import passport from "passport";
import { Strategy as LocalStrategy } from "passport-local";
import OAuth2Strategy from "passport-oauth2";
import { flash } from "./flash.ts";
import { oauth2State } from "./oauth2-state.ts";

declare module "flagon" {
  interface Register {
    session: { cart: string };
  }
}

// It has no types.
const expressFlash: () => RequestHandler = (await import("express-flash" as string)).default;

const secret = "only for the tests of plug-ins: Wq8ZrT5nYb2KdM7x";
const errors: Error[] = [];
const servers: Server[] = [];
beforeEach(() => void errors.splice(0));
after(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

/** The app's own error page: what failed is kept for the test to see. */
const errorPage: ErrorRequestHandler = (error, _request, response, _next) => {
  errors.push(error);
  response.status(error.status ?? 500).send("failed");
};

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

class Visitor {
  readonly #origin: string;
  cookie = "";

  constructor(origin: string) {
    this.#origin = origin;
  }

  async get(path: string, init: RequestInit = {}): Promise<{ status: number; text: string; location: string }> {
    const url = new URL(path, this.#origin);
    const response = await fetch(url, { redirect: "manual", ...init, headers: { cookie: this.cookie } });
    this.cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? this.cookie;
    return { status: response.status, text: await response.text(), location: response.headers.get("location") ?? "" };
  }

  post(path: string, fields: Record<string, string>): ReturnType<Visitor["get"]> {
    return this.get(path, { method: "POST", body: new URLSearchParams(fields) });
  }
}

function newApp(...handlers: RequestHandler[]): Express {
  const app = express().use(express.urlencoded(), session({ secret }), ...handlers);
  app.get("/messages", (request, response) => {
    response.json(request.session.flashes().map(({ message }) => message));
  });
  return app;
}

async function visitors(app: Express): Promise<[alice: Visitor, bob: Visitor]> {
  const origin = await listen(app.use(errorPage));
  return [new Visitor(origin), new Visitor(origin)];
}

test("connect-flash fails loudly, and no visitor sees another's message", async () => {
  const app = newApp(connectFlash());
  app.get("/say", (request, response) => void response.json(request.flash("info", "for Alice")));
  app.get("/read", (request, response) => void response.json(request.flash("info")));
  const [alice, bob] = await visitors(app);
  for (const [visitor, path] of [
    [alice, "/say"],
    [bob, "/read"],
    [alice, "/read"],
  ] as const) {
    const { status, text } = await visitor.get(path);
    assert.deepEqual([status, text], [500, "failed"]);
    assert.match(
      String(errors.pop()),
      /TypeError: session\.flash can't be assigned: use session\.flash\(message, category\)/,
    );
  }
  assert.equal(bob.cookie, "");
});

test("express-flash fails loudly at the first page that is rendered", async () => {
  const app = newApp(expressFlash());
  app.engine("txt", (_path, options, done) => done(null, JSON.stringify(Object(options).messages)));
  app.get("/", (_request, response) => response.render("page.txt"));
  const [alice] = await visitors(app);
  assert.equal((await alice.get("/")).status, 500);
  assert.match(String(errors.pop()), /use session\.flash\(message, category\)/);
});

function withPassword(...handlers: RequestHandler[]): Express {
  passport.use(new LocalStrategy((username, password, done) => done(null, password === "right" && { id: username })));
  return newApp(...handlers);
}

test("Passport's failureFlash leaves its message for this visitor, by the guide's few lines", async () => {
  const app = withPassword(flash);
  const options = { session: false, failureRedirect: "/messages", failureFlash: "Wrong password." };
  app.post("/sign-in", passport.authenticate("local", options), (request, response) => {
    request.session.login((request.user as { id: string }).id);
    response.send(request.session.userId);
  });
  const [alice, bob] = await visitors(app);
  assert.equal((await alice.post("/sign-in", { username: "alice", password: "wrong" })).location, "/messages");
  assert.equal((await bob.get("/messages")).text, "[]");
  assert.equal((await alice.get("/messages")).text, '["Wrong password."]');
  assert.equal((await alice.get("/messages")).text, "[]");
  assert.equal((await alice.post("/sign-in", { username: "alice", password: "right" })).text, "alice");
});

test("Passport's own ways to keep something on the session fail loudly: connect-flash, failureMessage, its login", async () => {
  const app = withPassword(connectFlash());
  const failureRedirect = "/";
  app.post("/flash", passport.authenticate("local", { failureRedirect, failureFlash: "Wrong password." }));
  app.post("/message", passport.authenticate("local", { failureRedirect, failureMessage: "Wrong password." }));
  app.post("/login", passport.authenticate("local", { successRedirect: "/" }));
  const [alice] = await visitors(app);
  for (const [path, password, words] of [
    ["/flash", "wrong", /use session\.flash\(message, category\)/],
    ["/message", "wrong", /session\.messages would be lost: use session\.flash/],
    ["/login", "right", /no session\.regenerate\(\): use session\.login\(userId\)/],
  ] as const) {
    assert.equal((await alice.post(path, { username: "alice", password })).status, 500, path);
    assert.match(String(errors.pop()), words);
  }
  assert.equal(alice.cookie, "");
});

/** An identity provider: gives each code once, for the challenge that it was asked with. */
async function identityProvider(): Promise<{ origin: string; consent(location: string): string }> {
  const challenges = new Map<string, string>();
  const origin = await listen(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const fields = new URLSearchParams(body);
    const challenge = createHash("sha256")
      .update(fields.get("code_verifier") ?? "")
      .digest("base64url");
    const isGood = challenges.get(fields.get("code") ?? "") === challenge;
    response.writeHead(isGood ? 200 : 400, { "content-type": "application/json" });
    response.end(JSON.stringify(isGood ? { access_token: "token", token_type: "bearer" } : { error: "invalid_grant" }));
  });
  return {
    origin,
    consent(location) {
      const { searchParams } = new URL(location);
      const code = `code-${challenges.size}`;
      challenges.set(code, searchParams.get("code_challenge") ?? "");
      return `/callback?${new URLSearchParams({ code, state: searchParams.get("state") ?? "" })}`;
    },
  };
}

function oauth2App(provider: string, store: object | undefined): Express {
  const options = {
    authorizationURL: `${provider}/authorize`,
    tokenURL: `${provider}/token`,
    clientID: "client",
    clientSecret: "client secret",
    callbackURL: "http://127.0.0.1/callback",
    state: true,
    pkce: true,
    ...(store && { store }),
  };
  type Done = (error: null, user: object) => void;
  const verify = (_access: string, _refresh: string, _profile: object, done: Done): void => done(null, { id: "alice" });
  passport.use("provider", new OAuth2Strategy(options as never, verify as never));
  const app = newApp();
  app.get("/login", passport.authenticate("provider", { session: false }));
  app.get("/callback", passport.authenticate("provider", { session: false }), (request, response) => {
    request.session.login((request.user as { id: string }).id);
    response.send(request.session.userId);
  });
  return app;
}

test("passport-oauth2 keeps state and PKCE in the session by the guide's store, for the one visitor who asked", async () => {
  const provider = await identityProvider();
  const [alice, bob] = await visitors(oauth2App(provider.origin, oauth2State));
  const answer = provider.consent((await alice.get("/login")).location);
  await bob.get("/login");
  assert.equal((await bob.get(answer)).status, 403);
  assert.deepEqual(await alice.get(answer), { status: 200, text: "alice", location: "" });
  assert.equal((await alice.get(answer)).status, 403); // each answer is good once
});

test("passport-oauth2 with its own store fails loudly before the visitor leaves for the provider", async () => {
  const provider = await identityProvider();
  const [alice] = await visitors(oauth2App(provider.origin, undefined));
  assert.deepEqual(await alice.get("/login"), { status: 500, text: "failed", location: "" });
  assert.match(
    String(errors.pop()),
    /session\.oauth2:127\.0\.0\.1 would be lost: use session\.set\("oauth2:127\.0\.0\.1", …\)/,
  );
});

test("cookie-session's way to sign out, and cookie-session itself mounted after, fail loudly", async () => {
  const app = newApp();
  app.get("/sign-in", (request, response) => {
    request.session.login("alice");
    response.end();
  });
  app.get("/sign-out", (request, response) => {
    Object.assign(request, { session: null });
    response.end();
  });
  app.get("/who", (request, response) => void response.send(request.session.userId));
  app.get("/mounted-after", cookieSession({ keys: ["key"] }), (_request, response) => void response.end());
  const [alice] = await visitors(app);
  await alice.get("/sign-in");
  for (const path of ["/sign-out", "/mounted-after"]) {
    assert.equal((await alice.get(path)).status, 500);
    assert.match(String(errors.pop()), /request\.session was replaced, and would be lost: use session\.logout\(\) or/);
  }
  assert.equal((await alice.get("/who")).text, "alice");
});

test("morgan logs who was there, for pages that don't look and while the store is down, and the process lives on", async () => {
  const lines: string[] = [];
  const store = memoryStore();
  let isDown = false;
  const read = store.read.bind(store);
  store.read = async (id) => {
    if (isDown) throw new Error("down");
    return await read(id);
  };
  morgan.token("user", (request) => (request as express.Request).session?.userId ?? "-");
  const sessions = createSessions({ secret, store });
  const app = express().use(
    morgan(":url :user", { stream: { write: (line) => lines.push(line.trim()) } }),
    session(sessions),
  );
  app.get("/sign-in", (request, response) => {
    request.session.login("alice");
    response.end();
  });
  app.get("/page", (_request, response) => void response.send("page"));
  app.get("/mine", (request, response) => void response.send(request.session.userId));
  const [alice, bob] = await visitors(app);
  await alice.get("/sign-in");
  for (const visitor of [alice, bob]) assert.equal((await visitor.get("/page")).text, "page");
  isDown = true;
  assert.equal((await alice.get("/page")).text, "page");
  assert.equal((await alice.get("/mine")).status, 503);
  assert.ok(errors.pop() instanceof SessionError);
  isDown = false;
  assert.equal((await alice.get("/mine")).text, "alice");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(lines, ["/sign-in alice", "/page alice", "/page -", "/page -", "/mine -", "/mine alice"]);
});
