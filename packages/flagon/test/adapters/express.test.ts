import { createRequire } from "node:module";
import { Readable } from "node:stream";
import compression from "compression";
import express from "express";
import morgan from "morgan";
import { describe, expect, test, vi } from "vitest";
import { session } from "../../src/adapters/express.ts";
import { createSessions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import {
  Client,
  cookieName,
  type Data,
  SwitchableStore,
  sessionCookies,
  type WatchedSessions,
} from "../../src/testing/adapter/client.ts";
import { exchange, headerOf, RawConnection } from "../../src/testing/adapter/raw-http.ts";
import { type AdapterRoute, adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { testCrossSite } from "./cross-site.ts";
import { backends, down, listen, servers, storedSessions, testAll } from "./listen.ts";
import { replacedSession, replacements, sloppy, testSessionObject } from "./session-object.ts";
import { clearOld, testSharedObjects } from "./shared-objects.ts";

const otherSecret = "another one, for the sessions of another area: pW4tZ9";

import { nodeWays, sendBody, share, type Ways } from "./shared-head.ts";

/** Installed beside 5 under another name, which its types do not know. */
const express4: typeof express = createRequire(import.meta.url)("express4");

// Node takes pairs only where nothing was set before, and Express sets X-Powered-By.
const { "writeHead with pairs": _pairs, ...nodeWaysLeft } = nodeWays;

const ways: Ways<express.Response> = {
  "set with an object": (response, { status, head, body }) => {
    sendBody(response.status(status).set(head.object), body);
  },
  "set with lists": (response, { status, head, body }) => {
    for (const [name, value] of Object.entries(head.object)) response.set(name, value);
    sendBody(response.status(status), body);
  },
  "append with lists": (response, { status, head, body }) => {
    for (const [name, value] of Object.entries(head.object)) response.append(name, value);
    sendBody(response.status(status), body);
  },
  "set with lists, then send": (response, { status, head, body }) => {
    response.status(status).set(head.object);
    if (body === null || typeof body === "string") response.send(body ?? undefined);
    else Readable.from(body).pipe(response);
  },
  ...nodeWaysLeft,
};

const serveWith =
  (framework: typeof express): ServeAdapter =>
  ({ sessions, routes, shared }) => {
    const app = framework().use(session(sessions));
    shared(app.settings);
    for (const route of routes) app[route.method === "GET" ? "get" : "post"](route.path, handlerOf(route));
    return listen(app);
  };

function handlerOf(route: AdapterRoute): express.RequestHandler {
  return async (request, response, next) => {
    try {
      const reply = await route.handle(request.session);
      if (reply.kind === "shared") share(ways, response, reply);
      else if (reply.kind === "redirect") response.redirect(reply.location);
      else if (reply.kind === "empty") response.sendStatus(reply.status);
      else if (reply.kind === "stream") Readable.from(reply.chunks).pipe(response);
      else {
        for (const [name, value] of reply.headers ?? []) response.append(name, value);
        response.status(reply.status ?? 200).send(reply.body);
      }
    } catch (error) {
      next(error); // Express 5 would do so by itself, 4 does not
    }
  };
}

const traits = { sharedHeads: Object.keys(ways) };

describe("the express adapter conforms on Express 5", () => testAll(adapterConformance(serveWith(express), traits)));
describe("the express adapter conforms on Express 4", () => testAll(adapterConformance(serveWith(express4), traits)));
testSessionObject(serveWith(express));
testSessionObject(serveWith(express4));
testCrossSite(serveWith(express));
testCrossSite(serveWith(express4));

const start = servers();
const page = "a line that is well worth compressing\n".repeat(200);
const thisFile = new URL(import.meta.url).pathname;

describe.each(backends)("on express, %s", (_, make) => {
  test("compression works before and after the session", async () => {
    const behind = express().use(compression(), session(make()));
    const before = express().use(session(make()), compression());
    for (const app of [behind, before]) {
      app.get("/", (request, response) => {
        request.session.set("seen", true);
        response.send(page);
      });
      app.get("/parts", (request, response) => {
        request.session.set("seen", true);
        response.type("text");
        for (const line of page.split(/(?<=\n)/)) response.write(line);
        response.end();
      });
      const origin = await start(app);
      for (const path of ["/", "/parts"]) {
        const reply = await fetch(origin + path, { headers: { "accept-encoding": "gzip" } });
        expect(reply.headers.get("content-encoding")).toBe("gzip");
        expect(reply.headers.getSetCookie()).toHaveLength(1);
        expect(reply.headers.get("vary")?.split(", ").sort()).toEqual(["Accept-Encoding", "Cookie"]);
        expect(await reply.text()).toBe(page);
      }
    }
  });

  test("a stream through compression is held up with its source and arrives whole", async () => {
    const app = express().use(session(make()), compression({ level: 0 }));
    const chunks = Array.from({ length: 100 }, (_, index) => `${index} ${"x".repeat(20_000)}\n`);
    app.get("/", (request, response) => {
      request.session.set("seen", true);
      response.type("text");
      Readable.from(chunks).pipe(response);
    });
    const reply = await fetch(await start(app), { headers: { "accept-encoding": "gzip" } });
    expect((await reply.text()) === chunks.join("")).toBe(true);
  });

  test("files are sent with the cookie, whole, in part and not at all", async () => {
    const app = express().use(session(make()));
    app.get("/file", (request, response) => {
      request.session.set("seen", true);
      response.sendFile(thisFile, { cacheControl: false });
    });
    const visitor = new Client(await start(app));
    const whole = await visitor.get("/file");
    expect([whole.status, sessionCookies(whole).length, whole.isWhole]).toEqual([200, 1, true]);
    const part = await visitor.get("/file", { headers: { range: "bytes=0-9" } });
    expect([part.status, part.body]).toEqual([206, whole.body.slice(0, 10)]);
    const same = await visitor.get("/file", { headers: { "if-none-match": headerOf(whole, "etag") ?? "" } });
    expect([same.status, same.body]).toEqual([304, ""]);
  });

  test("static files that nobody looks at a session for stay cacheable", async () => {
    const app = express().use(
      session(make()),
      express.static(new URL(".", import.meta.url).pathname, { maxAge: "1h" }),
    );
    const reply = await new Client(await start(app)).get("/express.test.ts");
    expect([reply.status, headerOf(reply, "cache-control"), headerOf(reply, "vary")]).toEqual([
      200,
      "public, max-age=3600",
      null,
    ]);
  });

  test("a request log mounted before or after sees the response as it was sent", async () => {
    const lines: string[] = [];
    const log = morgan(":status :res[set-cookie] :res[content-length]", {
      stream: { write: (line) => lines.push(line) },
    });
    for (const app of [express().use(log, session(make())), express().use(session(make()), log)]) {
      app.get("/", (request, response) => {
        request.session.set("seen", true);
        response.status(201).send("hello");
      });
      await exchange(await start(app), { path: "/" });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lines).toEqual([
      expect.stringMatching(/^201 conformance=.* 5\n$/),
      expect.stringMatching(/^201 conformance=.* 5\n$/),
    ]);
  });

  test("a session mounted on the app and on a router commits once", async () => {
    const sessions = make();
    const router = express.Router().use(session(sessions));
    router.get("/inner", (request, response) => response.json(request.session.update("n", (n) => Number(n ?? 0) + 1)));
    const app = express().use(session(sessions)).use("/router", router);
    const reply = await new Client(await start(app)).get("/router/inner");
    expect([reply.body, sessionCookies(reply).length, sessions.commits]).toEqual(["1", 1, 1]);
  });

  test("two kinds of sessions live side by side", async () => {
    const [users, admins] = [make(), make()];
    const app = express().use(session(users));
    app.get("/", (request, response) => {
      request.session.set("seen", true);
      response.send("ok");
    });
    app.use("/admin", session(admins));
    app.get("/admin", (request, response) => {
      request.session.set("seen", true);
      response.send("ok");
    });
    await exchange(await start(app), { path: "/admin" });
    expect([users.commits, admins.commits]).toEqual([1, 1]);
  });

  test("a failing save reaches the app's error handlers, from inside routers too, with a clean head", async () => {
    const sessions = make();
    const router = express.Router();
    router.get("/inner", (request, response) => {
      request.session.set("seen", true);
      response.cookie("own", "1").type("png").attachment("a.png").redirect("/elsewhere");
    });
    const app = express().use(session(sessions)).use("/router", router);
    const errors: unknown[] = [];
    const sayJson: express.ErrorRequestHandler = (error, request, response, _next) => {
      errors.push(error, request.session.get("seen"), response.headersSent);
      response.status(error.status).json({ sorry: true });
    };
    app.use(sayJson);
    sessions.failWith(down);
    const reply = await exchange(await start(app), { path: "/router/inner" });
    expect([reply.status, reply.body, headerOf(reply, "location")]).toEqual([503, '{"sorry":true}', null]);
    expect(headerOf(reply, "content-type")).toBe("application/json; charset=utf-8");
    expect(headerOf(reply, "content-disposition")).toBe(null);
    expect(errors).toEqual([down, true, false]);
  });

  test("a handler that throws after it has answered breaks off, as on Express alone", async () => {
    const app = express().use(session(make()));
    app.get("/", (request, response) => {
      request.session.set("seen", true);
      response.write("half");
      throw new Error("too late");
    });
    const origin = await start(app);
    const reply = await exchange(origin, { path: "/" }).catch((error: Error) => error.message);
    expect(
      reply === "the connection was closed without a response" || (reply as { isWhole: boolean }).isWhole === false,
    ).toBe(true);
  });
});

describe.each(backends)("on express, whose session is replaced, %s", (_, make) => {
  test.each(replacements)("by %s: an error for the app's own handlers", async (_, value) => {
    const app = express().use(session(make()));
    app.get("/sign-in", (request, response) => {
      request.session.set("cart", "tea").login("ann");
      response.end();
    });
    app.get("/cart", ({ session }, response) => void response.send(`${session.userId} with ${session.get("cart")}`));
    app.get("/replace", (request, response) => {
      sloppy("request.session = value", { request, value });
      response.send("signed out");
    });
    app.get("/change-and-replace", (request, response) => {
      request.session.set("cart", "coffee");
      sloppy("request.session = value", { request, value });
      response.redirect("/");
    });
    const errors: unknown[] = [];
    const sayIt: express.ErrorRequestHandler = (error, _request, response, _next) => {
      errors.push(error);
      response.sendStatus(500);
    };
    await replacedSession(await start(app.use(sayIt)), () => errors.at(-1));
  });
});

describe.each(backends)("a log line of morgan's, %s", (_, make) => {
  const lines: string[] = [];
  const log = morgan(
    (_tokens, request, response) => {
      const { session } = request as express.Request;
      return `${response.statusCode} ${session?.userId ?? "-"} ${session?.get("cart") ?? "-"}`;
    },
    { stream: { write: (line) => lines.push(line.trim()) } },
  );
  const newApp = (sessions: WatchedSessions, place: "before" | "after"): express.Express => {
    lines.splice(0);
    const mounted = [log, session(sessions)];
    const app = express().use(place === "before" ? mounted : mounted.reverse());
    app.get("/sign-in", (request, response) => {
      request.session.set("cart", "tea").login("ann");
      response.end();
    });
    app.get("/plain", (_request, response) => void response.set("cache-control", "public, max-age=60").send("plain"));
    return app;
  };

  test.each(["before", "after"] as const)("reads the session of a page that did not, mounted %s it", async (place) => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const origin = await start(newApp(make(), place));
    const [ann, bob] = [new Client(origin), new Client(origin)];
    await ann.get("/sign-in");
    for (const visitor of [ann, bob, ann]) {
      const reply = await visitor.get("/plain");
      expect([reply.status, headerOf(reply, "cache-control"), headerOf(reply, "vary")]).toEqual([
        200,
        "public, max-age=60",
        null,
      ]);
    }
    await expect.poll(() => lines).toEqual(["200 ann tea", "200 ann tea", "200 - -", "200 ann tea"]);
    expect(warn).not.toHaveBeenCalled(); // a log is no part of the page
    warn.mockRestore();
  });
});

describe("a log line of morgan's while the store is down", () => {
  test("says that it knows of nobody, and the process lives on: a page sent, one refused, one that its visitor left", async () => {
    const store = new SwitchableStore(memoryStore());
    const lines: string[] = [];
    const app = express().use(
      morgan((_tokens, request) => `${request.url} ${(request as express.Request).session?.userId ?? "-"}`, {
        stream: { write: (line) => lines.push(line.trim()) },
      }),
      session({ secret: "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x", cookie: { name: cookieName }, store }),
    );
    app.get("/sign-in", (request, response) => {
      request.session.login("ann");
      response.end();
    });
    app.get("/public", (_request, response) => void response.send("public"));
    app.get("/mine", (request, response) => void response.send(request.session.userId));
    app.get("/slow", () => {});
    const quiet: express.ErrorRequestHandler = (error, _request, response, _next) =>
      void response.sendStatus(error.status);
    const origin = await start(app.use(quiet));
    const ann = new Client(origin);
    await ann.get("/sign-in");
    store.isDown = true;
    expect((await ann.get("/public")).body).toBe("public");
    expect((await ann.get("/mine")).status).toBe(503);
    const leaving = new AbortController();
    const left = fetch(`${origin}/slow`, { headers: ann.headers, signal: leaving.signal }).catch(() => "left");
    setTimeout(() => leaving.abort(), 50);
    expect(await left).toBe("left");
    await expect.poll(() => lines).toEqual(["/sign-in ann", "/public -", "/mine -", "/slow -"]);
    store.isDown = false;
    expect((await ann.get("/mine")).body).toBe("ann");
  });
});

test("a stream that becomes personal after it left as cacheable is told of, with its route", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const app = express().use(session(storedSessions()));
  app.get("/news/:id", async (request, response) => {
    response.set("cache-control", "public, max-age=60").write("news for ");
    await new Promise((resolve) => setTimeout(resolve, 5));
    response.end(String(request.session.userId));
  });
  const visitor = new Client(await start(app));
  for (const path of ["/news/1?a=b", "/news/1"]) expect((await visitor.get(path)).body).toBe("news for null");
  await expect.poll(() => warn.mock.calls).toHaveLength(1);
  expect(warn.mock.calls[0]).toEqual([
    expect.stringMatching(/^GET \/news\/1 left as cacheable/),
    { type: "FlagonWarning", code: "FLAGON_LATE_LOOK" },
  ]);
  warn.mockRestore();
});

test("behind a proxy that is trusted, its headers say where the visitor is", async () => {
  const post = {
    method: "POST",
    path: "/",
    body: "",
    headers: { origin: "https://app.example", "x-forwarded-proto": "https", "x-forwarded-host": "app.example" },
  };
  const statuses: number[] = [];
  for (const isTrusted of [true, false]) {
    const app = express().set("trust proxy", isTrusted).use(session(storedSessions()));
    app.post("/", (_, response) => void response.send("ok"));
    statuses.push((await exchange(await start(app), post)).status);
  }
  expect(statuses).toEqual([200, 403]);
});

test("a handler that streams on after a failed save adds nothing to the error page", async () => {
  const sessions = storedSessions();
  const app = express().use(session(sessions));
  app.get("/", async (request, response) => {
    request.session.set("seen", true);
    response.write("one");
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    response.write("two");
    response.end("three");
  });
  const sayLater: express.ErrorRequestHandler = async (error, _request, response, _next) => {
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    response.status(error.status).send("sorry");
  };
  app.use(sayLater);
  sessions.failWith(down);
  const connection = await RawConnection.open(await start(app));
  connection.send({ path: "/", headers: { connection: "close" } });
  expect(await connection.reply()).toMatchObject({ status: 503, body: "sorry", isWhole: true });
  await connection.ended();
  expect(connection.pending).toBe("");
});

describe.each(backends)("on Express, %s", (_, make) => {
  const start = servers();
  const list = [...clearOld];
  const app = express().use(session(make()));
  app.use((request, response) => {
    if (request.path === "/in") request.session.login("ada");
    response.set("Set-Cookie", list).send("done");
  });
  testSharedObjects(
    "a list for response.set",
    () => start(app),
    () => list,
  );
});

describe.each(backends)("on Express, %s, mounted user, admin, user", (_, make) => {
  const start = servers();

  test("each has one session and one cookie, and what the inner one stores is kept", async () => {
    const [user, admin] = [make(), createSessions<Data>({ secret: otherSecret, cookie: { name: "admin" } })];
    const app = express().use(session(user), session(admin), session(user));
    app.get("/", (request, response) => {
      request.session.set("seen", ((request.session.get("seen") as number | undefined) ?? 0) + 1);
      response.send(String(request.session.get("seen")));
    });
    const visitor = new Client(await start(app));
    const first = await visitor.get("/");
    expect([first.body, sessionCookies(first).length]).toEqual(["1", 1]);
    expect((await visitor.get("/")).body).toBe("2");
    expect((await new Client(await start(app)).get("/")).body).toBe("1");
  });
});
