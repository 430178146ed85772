import type { RequestListener } from "node:http";
import type { RequestEvent } from "@sveltejs/kit";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { session } from "../../src/adapters/sveltekit.ts";
import { Client, sessionCookies, type WatchedSessions } from "../../src/testing/adapter/client.ts";
import { headerOf, type RawReply, valuesOf } from "../../src/testing/adapter/raw-http.ts";
import { type AdapterRoute, adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { build, importBuilt } from "./build.ts";
import { testCrossSite } from "./cross-site.ts";
import { appOf, backends, down, listen, servers, testAll } from "./listen.ts";
import { replacements, signIn, sloppy, testSessionObject } from "./session-object.ts";
import { fetchWays } from "./shared-head.ts";
import { testSharedObjects } from "./shared-objects.ts";

let handler: RequestListener;

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {}); // SvelteKit logs each error that it answers
  await build("sveltekit", "vite", "build");
  ({ handler } = await importBuilt<{ handler: RequestListener }>("sveltekit/handler.js"));
}, 300_000);

const serve: ServeAdapter = (app) => {
  globalThis.flagonApp = app;
  return listen(handler);
};

describe("the sveltekit adapter conforms in a production build", () =>
  testAll(adapterConformance(serve, { sharedHeads: Object.keys(fetchWays) })));
testSessionObject(serve);
testCrossSite(serve);

describe.each(backends)("on sveltekit, %s", (_, make) => {
  const start = servers();

  test("a form action flashes, and the page that it leads to shows it once", async () => {
    globalThis.flagonApp = appOf(make());
    const visitor = new Client(await start(handler));
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
      accept: "text/html",
    };
    const origin = (await start(handler)).replace("http:", "https:"); // adapter-node takes any host for https
    const posted = await visitor.send({
      method: "POST",
      path: "/page",
      headers: { ...headers, origin, host: origin.slice(8) },
      body: "a=1",
    });
    expect([posted.status, valuesOf(posted, "location")]).toEqual([303, ["/page"]]);
    expect(valuesOf(posted, "set-cookie").map((line) => line.split("=")[0])).toEqual(["own", "conformance"]);
    const pages = [await visitor.get("/page"), await visitor.get("/page")];
    expect(pages.map(({ body }) => /messages: (saved)?/.exec(body)?.[1])).toEqual(["saved", undefined]);
  });

  test("a response whose head can't be written to gets the cookie", async () => {
    globalThis.flagonApp = appOf(make());
    const reply = await new Client(await start(handler)).get("/immutable");
    expect([reply.status, sessionCookies(reply).length]).toEqual([302, 1]);
  });

  test.each(replacements)("a session that is replaced by %s is an error for SvelteKit", async (_, value) => {
    const event = { request: new Request("http://127.0.0.1/"), locals: {}, cookies: {} } as RequestEvent;
    const resolve = async (): Promise<Response> => {
      event.locals.session.login("ann");
      sloppy("locals.session = value", { locals: event.locals, value });
      return new Response("signed out");
    };
    await expect(session(make())({ event, resolve })).rejects.toThrow(/^locals\.session was replaced.*session\.logout/);
  });

  test("a promise that is streamed after the page reads a session that nobody had looked at", async () => {
    const sessions = make();
    globalThis.flagonApp = appOf(sessions, [signIn]);
    const origin = await start(handler);
    const [ann, bob] = [new Client(origin), new Client(origin)];
    await ann.get("/sign-in");
    for (const [visitor, name] of [
      [ann, "ann"],
      [bob, "null"],
    ] as const) {
      const reply = await visitor.get("/streamed");
      expect(reply.body).toMatch(new RegExp(`waiting[^]*user: ${name}`));
      expect(headerOf(reply, "cache-control") ?? "").not.toContain("private");
    }
  });

  describe("in a sequence, what a later handle throws", () => {
    const names = (reply: RawReply): string[] => valuesOf(reply, "set-cookie").map((line) => line.split("=")[0] ?? "");
    const open = async (): Promise<Client> => {
      const sessions = make();
      const handle: AdapterRoute["handle"] = (session) => {
        session.login("ann");
        return { kind: "text", body: "" };
      };
      globalThis.flagonApp = appOf(sessions, [{ method: "GET", path: "/in", handle }]);
      return new Client(await start(handler));
    };
    const signedIn = async (): Promise<Client> => {
      const visitor = await open();
      await visitor.get("/in");
      return visitor;
    };

    test.each(["/guarded?how=redirect", "/guarded/__data.json?how=redirect"])(
      "as a redirect keeps the flash: %s",
      async (path) => {
        const visitor = await open();
        const reply = await visitor.get(path);
        const told = reply.status === 303 ? headerOf(reply, "location") : JSON.parse(reply.body).location;
        expect([told, names(reply)]).toEqual(["/page", ["own", "conformance"]]);
        expect((await visitor.get("/page")).body).toContain("messages: saved");
      },
    );

    test.each([
      ["an error signs out, on the app's own error page", { accept: "text/html" }, /own error page: 401 not here/],
      ["an error signs out, told as JSON", { accept: "application/json" }, /^\{"status":401,"message":"not here"\}$/],
    ])("as %s", async (_name, headers, body) => {
      const visitor = await signedIn();
      const stolen = visitor.cookie;
      const reply = await visitor.get("/guarded?how=out", { headers: { ...visitor.headers, ...headers } });
      expect([reply.status, names(reply), headerOf(reply, "cache-control")]).toEqual([
        401,
        ["conformance"],
        "private, no-store",
      ]);
      expect(reply.body).toMatch(body);
      expect((await visitor.get("/api/me")).body).toContain('"user":null');
      visitor.cookie = stolen;
      expect((await visitor.get("/api/me")).body).toContain('"user":null');
    });

    test("as an unforeseen error keeps the flash, and SvelteKit's handleError hears of it", async () => {
      const visitor = await open();
      const reply = await visitor.get("/guarded?how=crash");
      expect([reply.status, names(reply)]).toEqual([500, ["conformance"]]);
      expect(console.error).toHaveBeenCalledWith(expect.stringContaining("the guard fell over"));
      expect((await visitor.get("/page")).body).toContain("messages: saved");
    });

    test("as a 404 for what the session holds is kept by no shared cache", async () => {
      const reply = await (await signedIn()).get("/guarded?how=look");
      expect([reply.status, names(reply), headerOf(reply, "vary"), headerOf(reply, "cache-control")]).toEqual([
        404,
        [],
        "Cookie",
        "private, no-cache",
      ]);
    });

    test("as an error of a request that never looked at its session is SvelteKit's to answer", async () => {
      const reply = await (await open()).get("/guarded");
      expect([reply.status, names(reply), headerOf(reply, "cache-control")]).toEqual([401, [], null]);
    });
  });

  describe("what the app fetches from itself works on the request's session", () => {
    const open = async (): Promise<{ visitor: Client; sessions: WatchedSessions }> => {
      const sessions = make();
      globalThis.flagonApp = appOf(sessions);
      return { visitor: new Client(await start(handler)), sessions };
    };
    const post = async (visitor: Client): Promise<RawReply> => {
      const origin = (await start(handler)).replace("http:", "https:");
      const type = "application/x-www-form-urlencoded";
      const headers = { ...visitor.headers, "content-type": type, origin, host: origin.slice(8), accept: "text/html" };
      return await visitor.send({ method: "POST", path: "/act", headers, body: "a=1" });
    };

    test.each([true, false])("an action that signs in by a fetch, and flashes; visited before: %s", async (before) => {
      const { visitor, sessions } = await open();
      if (before) await visitor.get("/act");
      const commits = sessions.commits;
      const reply = await post(visitor);
      expect([reply.status, sessionCookies(reply).length, sessions.commits - commits]).toEqual([303, 1, 1]);
      expect((await visitor.get("/page")).body).toContain("messages: welcome");
      expect((await visitor.get("/api/me")).body).toContain('"user":"ann"');
    });

    test("a load that counts by a fetch sees the count, and it lasts", async () => {
      const { visitor } = await open();
      expect((await visitor.get("/act")).body).toContain("count: 1,");
      expect((await visitor.get("/act")).body).toMatch(/count: 2, .* own: null 2/);
    });

    test("a universal load that fetches who is there makes the page personal", async () => {
      const { visitor } = await open();
      const reply = await visitor.get("/universal");
      expect([headerOf(reply, "vary"), headerOf(reply, "cache-control")]).toEqual(["Cookie", "private, no-cache"]);
    });

    test("a fetch without cookies, or with another visitor's, is not this visitor's, and gives it no cookie", async () => {
      const { visitor: other } = await open();
      const visitor = new Client(await start(handler));
      await other.get("/act");
      await visitor.get("/act");
      await visitor.get("/act");
      const stranger = await visitor.get("/act?stranger");
      expect(stranger.body).toMatch(/count: 1, .* own: null 2/);
      const borrowed = await visitor.get(`/act?other=${encodeURIComponent(other.cookie ?? "")}`);
      expect(borrowed.body).toMatch(/count: 2, .* own: null 2/);
      expect([sessionCookies(stranger), sessionCookies(borrowed)]).toEqual([[], []]);
      expect((await visitor.get("/act")).body).toContain("count: 3,");
      const own = await visitor.get(`/act?other=${encodeURIComponent(visitor.headers.cookie ?? "")}`);
      expect(own.body).toMatch(/count: 4, .* own: null 4/);
    });
  });

  test("a failing save is answered as the app says", async () => {
    const sessions = make();
    sessions.failWith(down);
    const handle = session(sessions, { onError: (error) => new Response(`our own ${error.status}`, { status: 503 }) });
    const request = new Request("http://127.0.0.1/");
    const cookies = {};
    const event = { request, locals: {}, cookies, getClientAddress: () => "127.0.0.1" } as RequestEvent;
    const response = await handle({ event, resolve: async () => new Response("lost") });
    expect(await response.text()).toBe("our own 503");
  });
});

describe.each(backends)("on sveltekit, %s", (_, make) => {
  const start = servers();
  const open = async (): Promise<string> => {
    globalThis.flagonApp = appOf(make());
    const origin = await start(handler);
    await fetch(`${origin}/shared/returned/page`); // the app's modules are loaded when they are first asked for
    return origin;
  };
  const shared = (): string | undefined => globalThis.flagonShared?.();
  for (const under of ["/shared/returned", "/shared/redirect", "/shared/init", "/shared-hook/redirect"])
    testSharedObjects(under, open, shared, { under });
  testSharedObjects("/shared/own", open, shared, { under: "/shared/own", cookies: [] });
});
