import { Readable } from "node:stream";
import Koa from "koa";
import { describe, expect, test } from "vitest";
import { session } from "../../src/adapters/koa.ts";
import { Client, sessionCookies } from "../../src/testing/adapter/client.ts";
import { exchange, headerOf } from "../../src/testing/adapter/raw-http.ts";
import { adapterConformance, type ServeAdapter, type SharedReply } from "../../src/testing.ts";
import { testCrossSite } from "./cross-site.ts";
import { backends, down, listen, servers, storedSessions, testAll } from "./listen.ts";
import { replacedSession, replacements, sloppy, testSessionObject } from "./session-object.ts";
import { nodeWays, share, type Ways } from "./shared-head.ts";
import { clearOld, testSharedObjects } from "./shared-objects.ts";

const ways: Ways<Koa.Context> = {
  "set with an object": (ctx, { status, head, body }) => {
    ctx.status = status;
    ctx.set(head.object);
    answerWith(ctx, body);
  },
  "set with lists": (ctx, { status, head, body }) => {
    ctx.status = status;
    for (const [name, value] of Object.entries(head.object)) ctx.set(name, value);
    answerWith(ctx, body);
  },
  "append with lists": (ctx, { status, head, body }) => {
    ctx.status = status;
    for (const [name, value] of Object.entries(head.object)) ctx.append(name, value);
    answerWith(ctx, body);
  },
  ...Object.fromEntries(
    Object.entries(nodeWays).map(([name, way]) => [
      `respond = false, ${name}`,
      (ctx: Koa.Context, reply: SharedReply) => {
        ctx.respond = false;
        way(ctx.res, reply);
      },
    ]),
  ),
};

function answerWith(ctx: Koa.Context, body: SharedReply["body"]): void {
  ctx.body = body === null || typeof body === "string" ? (body ?? "") : Readable.from(body);
}

const serve: ServeAdapter = ({ sessions, routes, shared }) => {
  const app = new Koa(shared({ proxy: false }));
  app.silent = true;
  app.use(session(sessions));
  app.use(async (ctx) => {
    const method = ctx.method === "HEAD" ? "GET" : ctx.method;
    const route = routes.find((each) => each.method === method && each.path === ctx.path);
    if (route === undefined) return;
    const reply = await route.handle(ctx.session);
    if (reply.kind === "shared") share(ways, ctx, reply);
    else if (reply.kind === "redirect") ctx.redirect(reply.location);
    else if (reply.kind === "empty") ctx.status = reply.status;
    else if (reply.kind === "stream") ctx.body = Readable.from(reply.chunks);
    else {
      for (const [name, value] of reply.headers ?? []) ctx.append(name, value);
      ctx.status = reply.status ?? 200;
      ctx.body = reply.body;
    }
  });
  return listen(app.callback());
};

describe("the koa adapter conforms", () => testAll(adapterConformance(serve, { sharedHeads: Object.keys(ways) })));
testSessionObject(serve);
testCrossSite(serve);

const start = servers();

describe.each(backends)("on koa, %s", (_, make) => {
  test.each(replacements)("a session that is replaced by %s is an error of the app's", async (_, value) => {
    const app = new Koa().use(session(make()));
    app.silent = true;
    const errors: unknown[] = [];
    app.on("error", (error) => errors.push(error));
    app.use((ctx) => {
      if (ctx.path === "/sign-in") ctx.session.set("cart", "tea").login("ann");
      if (ctx.path === "/change-and-replace") ctx.session.set("cart", "coffee");
      if (ctx.path.endsWith("replace")) sloppy("ctx.session = value", { ctx, value });
      ctx.body = ctx.path === "/cart" ? `${ctx.session.userId} with ${ctx.session.get("cart")}` : "done";
    });
    await replacedSession(await start(app.callback()), () => errors.at(-1));
  });

  test("a listener for the end of a response reads the session of a page that did not", async () => {
    const lines: string[] = [];
    const app = new Koa().use(session(make())).use((ctx) => {
      ctx.res.on("finish", () => lines.push(`${ctx.path} ${ctx.session.userId}`));
      if (ctx.path === "/sign-in") ctx.session.login("ann");
      ctx.body = "plain";
    });
    const ann = new Client(await start(app.callback()));
    for (const path of ["/plain", "/sign-in", "/plain"]) expect((await ann.get(path)).body).toBe("plain");
    await expect.poll(() => lines).toEqual(["/plain null", "/sign-in ann", "/plain ann"]);
  });

  test("a response that Koa is told to leave alone is held until the save", async () => {
    const app = new Koa().use(session(make()));
    app.use((ctx) => {
      ctx.session.set("seen", true);
      ctx.respond = false;
      ctx.res.writeHead(201, { "x-own": "1" });
      ctx.res.end("by hand");
    });
    const reply = await exchange(await start(app.callback()), { path: "/" });
    expect([reply.status, reply.body, headerOf(reply, "x-own")]).toEqual([201, "by hand", "1"]);
    expect(sessionCookies(reply)).toHaveLength(1);
  });

  test("what the app throws keeps the cookie, although Koa strips the head", async () => {
    const app = new Koa().use(session(make()));
    app.use((ctx) => {
      ctx.session.flash("try again");
      ctx.set("x-own", "1");
      ctx.throw(409, "not now");
    });
    const reply = await exchange(await start(app.callback()), { path: "/" });
    expect([reply.status, reply.body, headerOf(reply, "x-own")]).toEqual([409, "not now", null]);
    expect(sessionCookies(reply)).toHaveLength(1);
  });

  test("a failing save is the app's error event and Koa's own error page", async () => {
    const sessions = make();
    const app = new Koa().use(session(sessions));
    const seen: unknown[] = [];
    app.on("error", (error) => seen.push(error));
    app.use((ctx) => {
      ctx.session.set("seen", true);
      ctx.set("etag", "1");
      ctx.redirect("/next");
    });
    sessions.failWith(down);
    const reply = await exchange(await start(app.callback()), { path: "/" });
    expect([reply.status, reply.body, headerOf(reply, "location")]).toEqual([503, "Service Unavailable", null]);
    expect(seen).toEqual([down]);
  });

  test("a session mounted twice commits once", async () => {
    const sessions = make();
    const app = new Koa().use(session(sessions)).use(session(sessions));
    app.use((ctx) => {
      ctx.body = String(ctx.session.update("n", (n) => Number(n ?? 0) + 1));
    });
    const reply = await exchange(await start(app.callback()), { path: "/" });
    expect([reply.body, sessionCookies(reply).length, sessions.commits]).toEqual(["1", 1, 1]);
  });
});

test("behind a proxy that is trusted, its headers say where the visitor is", async () => {
  const statuses: number[] = [];
  for (const proxy of [true, false]) {
    const app = new Koa({ proxy }).use(session(storedSessions()));
    app.use((ctx) => {
      ctx.body = "ok";
    });
    const headers = { origin: "https://app.example", "x-forwarded-proto": "https", "x-forwarded-host": "app.example" };
    statuses.push(
      (await exchange(await start(app.callback()), { method: "POST", path: "/", headers, body: "" })).status,
    );
  }
  expect(statuses).toEqual([200, 403]);
});

describe.each(backends)("on koa, %s", (_, make) => {
  const list = [...clearOld];
  const app = new Koa().use(session(make()));
  app.use((ctx) => {
    if (ctx.path === "/in") ctx.session.login("ada");
    ctx.set("Set-Cookie", list);
    ctx.body = "done";
  });
  testSharedObjects(
    "a list for ctx.set",
    () => start(app.callback()),
    () => list,
  );
});
