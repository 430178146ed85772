import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type createNext from "next";
import type { NextRequest } from "next/server.js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type * as door from "../../src/adapters/next.ts";
import { readSetCookie } from "../../src/adapters/shared/set-cookie.ts";
import { cookieName } from "../../src/testing/adapter/client.ts";
import { type AdapterReply, type AdapterRoute, adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { build } from "./build.ts";
import { appOf, down, homes, listen, servers, testAll } from "./listen.ts";
import { signIn, testSessionObject } from "./session-object.ts";
import { fetchWays } from "./shared-head.ts";

const next: typeof createNext.default = createRequire(import.meta.url)("next");
let handler: RequestListener;
// These can be loaded only where Next runs.
let sessionProxy: typeof door.sessionProxy;
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

/** A browser that keeps the session's cookie and shows what a page says. */
class Browser {
  readonly #origin: string;
  cookie = "";

  constructor(origin: string) {
    this.#origin = origin;
  }

  async ask(
    path: string,
    init: RequestInit = {},
  ): Promise<{ status: number; names: string[]; text: string; html: string }> {
    const headers = { origin: this.#origin, ...(this.cookie === "" ? {} : { cookie: this.cookie }) };
    const response = await fetch(this.#origin + path, { redirect: "manual", ...init, headers });
    const lines = response.headers.getSetCookie();
    const own = lines.findLast((line) => line.startsWith(`${cookieName}=`));
    this.cookie = own?.split(";")[0] ?? this.cookie;
    const html = await response.text();
    const names = lines.map((line) => line.split("=")[0] ?? "").sort();
    return { status: response.status, names, html, text: /<p>(.*?)<\/p>/.exec(html)?.[1] ?? html };
  }

  /** Sends the page's form as a browser without scripts does. */
  async submit(name: string): ReturnType<Browser["ask"]> {
    const { html } = await this.ask("/page");
    const form = new FormData();
    for (const [, field = ""] of html.matchAll(/type="hidden" name="([^"]*)"/g)) form.set(field, "");
    form.set("name", name);
    return await this.ask("/page", { method: "POST", body: form });
  }
}

describe.each(homes)("on next, %s", (_, make) => {
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
