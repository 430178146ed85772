import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type createNext from "next";
import type { NextRequest } from "next/server.js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type * as adapter from "../../src/adapters/next.ts";
import { cookieHeader } from "../../src/adapters/shared/next-request.ts";
import { readSetCookie } from "../../src/adapters/shared/set-cookie.ts";
import { createSessions } from "../../src/index.ts";
import { cookieName } from "../../src/testing/adapter/client.ts";
import { type AdapterReply, type AdapterRoute, adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { build } from "./build.ts";
import { testCrossSite } from "./cross-site.ts";
import { appOf, backends, down, listen, servers, testAll } from "./listen.ts";
import { Browser } from "./next-browser.ts";
import { testOneSession } from "./next-one-session.ts";
import { signIn, testSessionObject } from "./session-object.ts";
import { fetchWays } from "./shared-head.ts";
import { testSharedObjects } from "./shared-objects.ts";

const next: typeof createNext.default = createRequire(import.meta.url)("next");
let handler: RequestListener;
// These can be loaded only where Next runs.
let sessionProxy: typeof adapter.sessionProxy;
let server: typeof import("next/server.js");
let stop: () => Promise<void>;

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {}); // Next logs each error that it answers
  await build("next", "next", "build");
  const app = next({ dev: false, dir: fileURLToPath(new URL("./apps/next", import.meta.url)), quiet: true });
  await app.prepare();
  handler = app.getRequestHandler();
  stop = () => app.close();
  ({ sessionProxy } = await import("../../src/adapters/next.ts"));
  server = await import("next/server.js");
}, 300_000);

afterAll(() => stop());

const serve: ServeAdapter = (app) => {
  globalThis.flagonApp = app;
  return listen(handler);
};

describe("the next adapter conforms in a production build", () =>
  testAll(adapterConformance(serve, { answersErrors: false, sharedHeads: Object.keys(fetchWays) })));
testSessionObject(serve);
testCrossSite(serve);

describe.each(backends)("on next, %s", (_, make) => {
  const start = servers();
  const open = async (): Promise<Browser> => {
    globalThis.flagonApp = appOf(make());
    return new Browser(await start(handler));
  };

  test("a component reads the session, and is told that it can't change it", async () => {
    const page = await (await open()).ask("/page");
    expect([page.text, page.names]).toEqual(["name: none, messages: 0, change: TypeError", []]);
  });

  test("an action changes the session; the page that answers it shows the change, and so do later ones", async () => {
    const browser = await open();
    const answer = await browser.submit("Ada");
    expect([answer.status, answer.names]).toEqual([200, [cookieName, "own"]]);
    // The message is counted twice: a component's look leaves it for a request that can remove it.
    expect(answer.text).toBe("name: Ada, messages: 2, change: TypeError");
    expect((await browser.ask("/page")).text).toBe("name: Ada, messages: 2, change: TypeError");
  });

  test("an action that redirects sends the cookie with the redirect", async () => {
    const browser = await open();
    const answer = await browser.submit("redirect");
    expect([answer.status, answer.names]).toEqual([303, [cookieName, "own"]]);
    expect((await browser.ask("/page")).text).toContain("name: redirect");
  });

  test("what runs after the response reads a session that the handler did not", async () => {
    const late: string[] = [];
    globalThis.flagonApp = appOf(make(), [signIn]);
    globalThis.flagonLate = (userId) => late.push(String(userId));
    const origin = await start(handler);
    const [ann, bob] = [new Browser(origin), new Browser(origin)];
    await ann.ask("/sign-in");
    for (const browser of [ann, bob]) expect((await browser.ask("/after")).text).toBe("answered");
    await expect.poll(() => late).toEqual(["ann", "null"]);
  });

  test.each<[method: AdapterRoute["method"], reply: AdapterReply, status: number, location: string | null]>([
    ["GET", { kind: "redirect", location: "/page?a=1;b" }, 307, "/page?a=1;b"],
    ["GET", { kind: "redirect", location: "/moved;here" }, 308, "/moved;here"],
    ["POST", { kind: "redirect", location: "/page" }, 303, "/page"],
    ["GET", { kind: "text", body: "", status: 404 }, 404, null],
  ])(
    "what a route handler throws to navigate carries the cookie past every cache: %s %j",
    async (method, reply, status, location) => {
      const handle: AdapterRoute["handle"] = (session) => {
        session.login("ann");
        return reply;
      };
      globalThis.flagonApp = appOf(make(), [{ method, path: "/thrown", handle }]);
      const origin = await start(handler);
      const body = method === "POST" ? new FormData() : null;
      const response = await fetch(`${origin}/thrown`, { method, body, redirect: "manual", headers: { origin } });
      expect([response.status, response.headers.get("location")]).toEqual([status, location]);
      expect(response.headers.getSetCookie().map((line) => line.split("=")[0])).toEqual([cookieName]);
      expect(response.headers.get("cache-control")).toBe("private, no-store");
      expect(response.headers.get("vary")).toContain("Cookie");
    },
  );

  test("what the proxy changes is visible in the same request and kept", async () => {
    const browser = await open();
    const page = await browser.ask("/page?greet");
    expect([page.text, page.names]).toEqual(["name: set by the proxy, messages: 0, change: TypeError", [cookieName]]);
    expect((await browser.ask("/page")).text).toContain("name: set by the proxy");
    const closed = await browser.ask("/page?closed");
    expect([closed.status, closed.text]).toEqual([403, "closed"]);
  });

  test("a proxy without a handler lets strangers through untouched, and renews what is due", async () => {
    const sessions = make();
    const proxy = sessionProxy(sessions);
    const request = (cookie?: string): NextRequest =>
      new server.NextRequest("http://127.0.0.1/", cookie === undefined ? {} : { headers: { cookie } });
    const stranger = await proxy(request());
    expect([...stranger.headers.keys()]).toEqual(["x-middleware-next"]);
    const changing = sessionProxy(sessions, (session) => void session.set("seen", true));
    const changed = await changing(request());
    expect(changed.headers.getSetCookie()).toHaveLength(1);
    expect(changed.headers.get("cache-control")).toBe("private, no-store");
    const cookie = changed.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    expect((await proxy(request(cookie))).headers.getSetCookie()).toEqual([]);
  });

  test("a proxy refuses another site's request, and a store that is down stops only a proxy that looks", async () => {
    const sessions = make();
    const refused = new server.NextRequest("http://127.0.0.1/", {
      method: "POST",
      headers: { "sec-fetch-site": "cross-site" },
    });
    expect((await sessionProxy(sessions)(refused)).status).toBe(403);
    const csrf = { exempt: ({ url }: { url: string }) => url === "http://127.0.0.1/return?a=1" };
    const exempting = createSessions({ secret: "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x", csrf });
    for (const [path, status] of [
      ["/return?a=1", 200],
      ["/", 403],
    ] as const) {
      const url = `http://127.0.0.1${path}`;
      const headers = { host: "127.0.0.1", "sec-fetch-site": "cross-site" };
      const posted = new server.NextRequest(url, { method: "POST", headers });
      expect([path, (await sessionProxy(exempting)(posted)).status]).toEqual([path, status]);
    }
    sessions.failWith(down);
    const request = new server.NextRequest("http://127.0.0.1/");
    expect((await sessionProxy(sessions)(request)).headers.has("x-middleware-next")).toBe(true);
    const looking = sessionProxy(sessions, () => server.NextResponse.redirect("http://127.0.0.1/next"));
    const answer = await looking(request);
    expect([answer.status, answer.headers.get("location"), answer.headers.get("retry-after")]).toEqual([
      503,
      null,
      "5",
    ]);
  });
});

testOneSession(() => handler);

describe.each(backends)("on next, %s", (_, make) => {
  const start = servers();
  const open = async (): Promise<string> => {
    globalThis.flagonApp = appOf(make());
    const origin = await start(handler);
    await fetch(`${origin}/shared/returned/page`); // the app's modules are loaded when they are first asked for
    return origin;
  };
  const shared = (): string | undefined => globalThis.flagonShared?.();
  for (const under of ["/shared/returned", "/shared/redirect", "/shared/init"]) {
    testSharedObjects(under, open, shared, { under });
  }
  for (const under of ["/shared/next", "/shared/navigation"]) {
    testSharedObjects(under, open, shared, { under, cookies: [] });
  }

  test.each<[how: string, answer: (user: string) => object]>([
    ["next", (user) => ({ status: 200, own: "1", text: `user: ${user}`, others: [] })],
    ["init", (user) => ({ status: 200, own: "1", text: `user: ${user}`, others: [] })],
    ["rewrite", (user) => ({ status: 200, own: null, text: `user: ${user}`, others: [] })],
    ["redirect", () => ({ status: 307, own: "1", text: "", others: [] })],
    [
      "cookies",
      (user) => ({ status: 200, own: null, text: `user: ${user}`, others: ["old=1; Path=/", "old2=2; Path=/"] }),
    ],
  ])("a proxy's answer that all requests share is each visitor's own: %s", async (how, answer) => {
    const origin = await open();
    const cookies = ["", ""];
    const ask = async (cookie: string, query = ""): Promise<{ own: string[]; shown: object }> => {
      const response = await fetch(`${origin}/proxied/${how}${query}`, { redirect: "manual", headers: { cookie } });
      const lines = response.headers.getSetCookie();
      const isOwn = (line: string): boolean => line.startsWith(`${cookieName}=`);
      const { status, headers } = response;
      const text = /<p>(.*?)<\/p>/.exec(await response.text())?.[1] ?? "";
      const others = lines.filter((line) => !isOwn(line));
      return { own: lines.filter(isOwn), shown: { status, own: headers.get("x-own"), text, others } };
    };
    const issued = new Set<string>();
    for (let round = 0; round < 2; round++) {
      for (const who of [0, 1]) {
        const signedIn = await ask(cookies[who] as string, "?in");
        expect(signedIn.own).toHaveLength(1);
        expect(issued).not.toContain(signedIn.own[0]);
        issued.add(signedIn.own[0] as string);
        cookies[who] = signedIn.own[0]?.split(";")[0] as string;
        expect(await ask("")).toEqual({ own: [], shown: answer("null") });
        const user = /user-\d+/.exec(JSON.stringify(signedIn.shown))?.[0] ?? "";
        expect(await ask(cookies[who] as string)).toEqual({ own: [], shown: answer(user) });
      }
    }
  });
});

describe("the Cookie header under Next", () => {
  const headers = (cookie: string, set?: string): Headers =>
    new Headers(set === undefined ? { cookie } : { cookie, "x-middleware-set-cookie": set });
  const shown = (cookie: string): { name: string; value: string }[] =>
    new server.NextRequest("http://127.0.0.1/", { headers: { cookie } }).cookies.getAll();

  test.each(["", "session=a; session=b", "remember_token=ada|5f; session=.eJw-_", 'a=%7C; a=%; b; =c; d==;e=1; f="g"'])(
    "is what the browser sent: %s",
    (sent) => {
      expect(cookieHeader(headers(sent), shown(sent))).toBe(sent.replace(";e", "; e"));
    },
  );

  test("has what this request has set, in place of all of that name", () => {
    const set = [...shown("a=1; session=a; remember_token=ada|5f"), { name: "session", value: "c|d; e=é" }];
    const sent = "session=b; a=1; session=a; remember_token=ada|5f";
    expect(cookieHeader(headers(sent), set.slice(0, -1))).toBe(sent);
    set.splice(1, 1);
    expect(cookieHeader(headers(sent), set)).toBe("a=1; remember_token=ada|5f; session=c|d%3B%20e=%C3%A9");
  });

  test("has Flask's bar as it is where the proxy has set another cookie, and Next has written the header anew", () => {
    const written = "remember_token=ada%7C5f; theme=dark";
    expect(cookieHeader(headers(written, "theme=dark"), shown(written))).toBe("remember_token=ada|5f; theme=dark");
  });
});

test("a Set-Cookie line is taken apart for Next's jar", () => {
  const line =
    "a=b.c-d=; Max-Age=60; Path=/p; Domain=e.example; Secure; HttpOnly; SameSite=Strict; Priority=High; Partitioned";
  expect(readSetCookie(line)).toEqual({
    name: "a",
    value: "b.c-d=",
    maxAge: 60,
    path: "/p",
    domain: "e.example",
    secure: true,
    httpOnly: true,
    sameSite: "strict",
    priority: "high",
    partitioned: true,
  });
});
