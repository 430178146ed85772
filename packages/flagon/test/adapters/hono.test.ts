import { serve as serveNode } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import { stream, streamSSE, streamText } from "hono/streaming";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type SessionEnv, session } from "../../src/adapters/hono.ts";
import type { Session } from "../../src/index.ts";
import { Client } from "../../src/testing/adapter/client.ts";
import { adapterConformance, type RunningAdapter, type ServeAdapter } from "../../src/testing.ts";
import { testCrossSite } from "./cross-site.ts";
import { backends, down, testAll } from "./listen.ts";
import { replacedSession, replacements, sloppy, testSessionObject } from "./session-object.ts";
import { bodyOf, fetchWays, share, type Ways } from "./shared-head.ts";

const ways: Ways<Context, Response> = {
  "header, value by value": (c, { status, head, body }) => {
    c.status(status as 200);
    for (const [name, value] of head.pairs) c.header(name, value, { append: true });
    return c.body(bodyOf(body) as string);
  },
  "body with an object": (c, { status, head, body }) => c.body(bodyOf(body) as string, status as 200, head.object),
  "newResponse with shared Headers": (c, { status, head, body }) =>
    c.newResponse(bodyOf(body) as string, { status: status as 200, headers: head.headers }),
  "c.res": (c, reply) => {
    c.res = share(fetchWays, undefined, { ...reply, way: "one Response for all" });
    return c.res;
  },
  ...fetchWays,
};

const serve: ServeAdapter = async ({ sessions, routes, shared }) => {
  const app = new Hono<SessionEnv>(shared({ strict: true }));
  app.use(session(sessions));
  for (const route of routes) {
    app.on(route.method, route.path, async (c) => {
      const reply = await route.handle(c.get("session"));
      if (reply.kind === "shared") return share(ways, c as never, reply);
      if (reply.kind === "redirect") return c.redirect(reply.location);
      if (reply.kind === "empty") return c.body(null, reply.status as 204);
      if (reply.kind === "stream") {
        return stream(c, async (body) => {
          for await (const chunk of reply.chunks) await body.write(chunk);
        });
      }
      for (const [name, value] of reply.headers ?? []) c.header(name, value, { append: true });
      return c.text(reply.body, (reply.status ?? 200) as 200);
    });
  }
  app.onError((error, c) => ("getResponse" in error ? (error.getResponse as () => Response)() : c.text("error", 500)));
  return listenTo(app.fetch);
};

describe("the hono adapter conforms", () => testAll(adapterConformance(serve, { sharedHeads: Object.keys(ways) })));
testSessionObject(serve);
testCrossSite(serve);

async function listenTo(fetch: (request: Request) => Response | Promise<Response>): Promise<RunningAdapter> {
  return new Promise((resolve) => {
    const server = serveNode({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
      resolve({ origin: `http://127.0.0.1:${port}`, close: () => new Promise((closed) => server.close(closed)) });
    });
  });
}

describe("a 304 that Hono's etag makes", () => {
  const secret = "only for the tests of hono's etag: Wq8ZrT5nYb2KdM7x";
  const inside = ["session", "etag"] as const;
  const outside = ["etag", "session"] as const;
  const retainedHeaders = [...RETAINED_304_HEADERS, "set-cookie"];

  test.each([
    ["brings a renewal, behind the session", inside, {}, true],
    ["brings a renewal, in front of the session and told to retain it", outside, { retainedHeaders }, true],
    ["loses a renewal, in front of the session, and the next page brings it", outside, {}, false],
  ])("%s", async (_, order, options, isKept) => {
    let aheadMs = 0;
    const sessions = session({ secret, now: () => Date.now() + aheadMs, cookie: { name: "visitor" } });
    const middleware = { session: sessions, etag: etag(options) };
    const app = new Hono<SessionEnv>();
    for (const each of order) app.use(middleware[each]);
    app.get("/sign-in", (c) => c.text(String(c.get("session").login("ann"))));
    app.get("/:page", (c) => c.text(`Hello ${c.get("session").userId}`));
    const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const cookie = cookieOf(await app.request("/sign-in"));
    const whole = await app.request("/page", { headers: { cookie } });
    aheadMs = 10 * 60_000;
    const headers = { cookie, "if-none-match": whole.headers.get("etag") ?? "" };
    const unchanged = await app.request("/page", { headers });
    expect([unchanged.status, cookieOf(unchanged) !== ""]).toEqual([304, isKept]);
    expect(unchanged.headers.get("vary")).toBe("Cookie");
    const other = await app.request("/another", { headers: { cookie: cookieOf(unchanged) || cookie } });
    expect([other.status, cookieOf(other) !== ""]).toEqual([200, !isKept]);
  });
});

describe.each(backends)("on hono, %s", (_, make) => {
  test.each(replacements)("a session that is replaced by %s is an error for app.onError", async (_, value) => {
    const app = new Hono<SessionEnv>().use(session(make()));
    const errors: unknown[] = [];
    app.onError((error, c) => {
      errors.push(error);
      return c.text("sorry", 500);
    });
    app.get("/:path", (c) => {
      const [path, session] = [c.req.param("path"), c.get("session") as Session<Record<string, unknown>>];
      if (path === "sign-in") session.set("cart", "tea").login("ann");
      if (path === "change-and-replace") session.set("cart", "coffee");
      if (path.endsWith("replace")) sloppy('c.set("session", value)', { c, value });
      return c.text(`${session.userId} with ${session.get("cart")}`);
    });
    const { origin, close } = await listenTo(app.fetch);
    await replacedSession(origin, () => errors.at(-1));
    await close();
  });

  test("a streamed text and events read a session that nobody had looked at", async () => {
    const app = new Hono<SessionEnv>().use(session(make()));
    app.get("/sign-in", (c) => c.text(String(c.get("session").login("ann"))));
    app.get("/text", (c) =>
      streamText(c, async (body) => {
        await body.write("for ");
        await body.sleep(5);
        await body.write(String(c.get("session").userId));
      }),
    );
    app.get("/events", (c) =>
      streamSSE(c, async (events) => {
        await events.sleep(5);
        await events.writeSSE({ data: String(c.get("session").userId) });
      }),
    );
    const { origin, close } = await listenTo(app.fetch);
    const [ann, bob] = [new Client(origin), new Client(origin)];
    await ann.get("/sign-in");
    const bodies = await Promise.all([ann.get("/text"), bob.get("/text"), ann.get("/events"), bob.get("/events")]);
    expect(bodies.map(({ body }) => body)).toEqual(["for ann", "for null", "data: ann\n\n", "data: null\n\n"]);
    await close();
  });

  const counting = (sessions = make()) => {
    const app = new Hono<SessionEnv>().use(session(sessions));
    return { app, sessions };
  };

  test("the session is in the context, by its type", async () => {
    const { app } = counting();
    app.get("/", (c) => {
      expectTypeOf(c.get("session")).toEqualTypeOf<Session>();
      return c.json([c.get("session") === c.var.session, c.var.session.isNew]);
    });
    expect(await (await app.request("/")).json()).toEqual([true, true]);
  });

  test("an app's own Env holds it beside other variables", () => {
    const app = new Hono<{ Variables: { user: string } & SessionEnv<{ name: string }>["Variables"] }>();
    app.get("/", (c) => {
      expectTypeOf(c.get("session").get("name")).toEqualTypeOf<string | undefined>();
      expectTypeOf(c.get("user")).toEqualTypeOf<string>();
      return c.text("");
    });
  });

  test("a stream of events carries the cookie, and what it changes later throws", async () => {
    const { app } = counting();
    let late: unknown;
    app.get("/", (c) => {
      c.get("session").set("seen", true);
      return streamSSE(c, async (events) => {
        await events.writeSSE({ data: "one" });
        await new Promise((resolve) => setImmediate(resolve));
        try {
          c.get("session").set("late", true);
        } catch (error) {
          late = error;
        }
      });
    });
    const response = await app.request("/");
    expect(response.headers.getSetCookie()).toHaveLength(1);
    expect(await response.text()).toBe("data: one\n\n");
    expect(late).toBeInstanceOf(TypeError);
  });

  test("a response whose head can't be written to gets the cookie", async () => {
    const { app } = counting();
    app.get("/", (c) => {
      c.get("session").set("seen", true);
      return Response.redirect("http://localhost/next");
    });
    const response = await app.request("/");
    expect([response.status, response.headers.get("location")]).toEqual([302, "http://localhost/next"]);
    expect(response.headers.getSetCookie()).toHaveLength(1);
  });

  test("the pages of notFound and onError encodeValue the cookie", async () => {
    const { app } = counting();
    app.get("/throw", (c) => {
      c.get("session").flash("this went wrong");
      throw new Error("thrown by the handler");
    });
    app.notFound((c) => c.text(String(c.get("session").update("lost", (n) => Number(n ?? 0) + 1)), 404));
    app.onError((error, c) => c.text(`${error.message}, ${c.get("session").flashes().length}`, 500));
    const [lost, thrown] = [await app.request("/nowhere"), await app.request("/throw")];
    expect([lost.status, lost.headers.getSetCookie().length, await lost.text()]).toEqual([404, 1, "1"]);
    expect([thrown.status, await thrown.text()]).toEqual([500, "thrown by the handler, 1"]);
  });

  test("a failing save reaches onError, or Hono's own answer, with a clean head", async () => {
    for (const isOwn of [true, false]) {
      const { app, sessions } = counting();
      const seen: unknown[] = [];
      if (isOwn) {
        app.onError((error, c) => {
          seen.push(error);
          return c.text("our own page", 503);
        });
      }
      app.get("/", (c) => {
        c.get("session").set("seen", true);
        c.header("x-request", "7");
        c.header("content-language", "en");
        return c.redirect("/next");
      });
      sessions.failWith(down);
      const response = await app.request("/");
      expect([response.status, await response.text()]).toEqual([
        503,
        isOwn ? "our own page" : "the session is not available",
      ]);
      expect(seen).toEqual(isOwn ? [down] : []);
      const { headers } = response;
      expect([headers.get("location"), headers.get("content-language"), headers.getSetCookie()]).toEqual([
        null,
        null,
        [],
      ]);
    }
  });

  test("a session mounted on the app and on a part of it commits once", async () => {
    const { app, sessions } = counting();
    const part = new Hono<SessionEnv>().use(session(sessions));
    part.get("/", (c) => c.text(String(c.get("session").update("n", (n) => Number(n ?? 0) + 1))));
    app.route("/part", part);
    const response = await app.request("/part");
    expect([await response.text(), response.headers.getSetCookie().length, sessions.commits]).toEqual(["1", 1, 1]);
  });

  test("a request from another site goes to onError and not to the handler", async () => {
    const { app } = counting();
    app.post("/", (c) => c.text("ran"));
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await app.request("/", { method: "POST", headers })).status).toBe(403);
    app.onError((error, c) => c.text(error.name, 418));
    expect(await (await app.request("/", { method: "POST", headers })).text()).toBe("SessionError");
  });
});

describe.each(backends)("on hono, %s", (_, make) => {
  test("a response that all requests share carries nobody's cookie to the next", async () => {
    const page = new Response(null, { status: 303, headers: { location: "/" } });
    const app = new Hono<SessionEnv>().use(session(make()));
    app.get("/in", (c) => {
      c.get("session").login("ada");
      return page;
    });
    app.get("/page", () => page);
    for (let round = 0; round < 3; round++) {
      const [ada, stranger] = [await app.request("/in"), await app.request("/page")];
      expect([ada.headers.getSetCookie().length, stranger.headers.getSetCookie()]).toEqual([1, []]);
      expect([ada.status, ada.headers.get("location"), stranger.headers.get("vary")]).toEqual([303, "/", null]);
    }
    expect([...page.headers]).toEqual([["location", "/"]]);
  });
});
