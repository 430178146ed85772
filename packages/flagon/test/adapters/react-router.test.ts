import type { RequestListener } from "node:http";
import { createRequestListener } from "@react-router/node";
import { RouterContextProvider, type ServerBuild } from "react-router";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { session, sessionContext } from "../../src/adapters/react-router.ts";
import { Client } from "../../src/testing/adapter/client.ts";
import { headerOf, valuesOf } from "../../src/testing/adapter/raw-http.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { build, importBuilt } from "./build.ts";
import { testCrossSite } from "./cross-site.ts";
import { appOf, backends, down, listen, servers, testAll } from "./listen.ts";
import { replacements, signIn, testSessionObject } from "./session-object.ts";
import { fetchWays } from "./shared-head.ts";
import { testSharedObjects } from "./shared-objects.ts";

let handler: RequestListener;

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {}); // React Router logs each error that it answers
  await build("react-router", "react-router", "build");
  const app = await importBuilt<ServerBuild>("react-router/server/index.js");
  handler = createRequestListener({ build: app, mode: "production" });
}, 300_000);

const serve: ServeAdapter = (app) => {
  globalThis.flagonApp = app;
  return listen(handler);
};

describe("the react-router adapter conforms in a production build", () =>
  testAll(adapterConformance(serve, { sharedHeads: Object.keys(fetchWays) })));
testSessionObject(serve);
testCrossSite(serve);

describe.each(backends)("on react-router, %s", (_, make) => {
  const start = servers();

  test("an action flashes and throws a redirect, and the page that it leads to shows the message once", async () => {
    globalThis.flagonApp = appOf(make());
    const visitor = new Client(await start(handler));
    const headers = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
    const posted = await visitor.send({ method: "POST", path: "/page", headers, body: "a=1" });
    expect([posted.status, headerOf(posted, "location")]).toEqual([302, "/page"]);
    expect(valuesOf(posted, "set-cookie").map((line) => line.split("=")[0])).toEqual(["own", "conformance"]);
    const pages = [await visitor.get("/page"), await visitor.get("/page")];
    expect(pages.map(({ body }) => /messages: (saved)?/.exec(body)?.[1])).toEqual(["saved", undefined]);
    expect(headerOf(pages[1] as (typeof pages)[0], "vary")).toBe("Cookie");
  });

  test.each(replacements)("a session that is replaced by %s is an error for the ErrorBoundary", async (_, value) => {
    const context = new RouterContextProvider();
    const request = new Request("http://127.0.0.1/");
    const args = { request, context, params: {}, pattern: "/", url: new URL(request.url) };
    const next = async (): Promise<Response> => {
      context.get(sessionContext).login("ann");
      context.set(sessionContext, value as never);
      return new Response("signed out");
    };
    const answer = session(make())(args, next);
    await expect(answer).rejects.toThrow(/^the session in sessionContext was replaced.*session\.logout/);
  });

  test("deferred data reads a session that nobody had looked at", async () => {
    globalThis.flagonApp = appOf(make(), [signIn]);
    const origin = await start(handler);
    const [ann, bob] = [new Client(origin), new Client(origin)];
    await ann.get("/sign-in");
    for (const [visitor, name] of [
      [ann, "ann"],
      [bob, "null"],
    ] as const) {
      const reply = await visitor.get("/deferred");
      expect(reply.body).toMatch(new RegExp(`waiting[^]*user: ${name}`));
      expect(headerOf(reply, "cache-control") ?? "").not.toContain("private");
    }
  });

  test("a page's failing save is answered plainly, with the error's status", async () => {
    const sessions = make();
    globalThis.flagonApp = appOf(sessions);
    sessions.failWith(down);
    const reply = await new Client(await start(handler)).get("/page");
    expect([reply.status, reply.body, headerOf(reply, "retry-after")]).toEqual([
      503,
      "the session is not available",
      "5",
    ]);
  });
});

describe.each(backends)("on react-router, %s", (_, make) => {
  const start = servers();
  const open = async (): Promise<string> => {
    globalThis.flagonApp = appOf(make());
    const origin = await start(handler);
    await fetch(`${origin}/shared/returned/page`); // the app's modules are loaded when they are first asked for
    return origin;
  };
  const shared = (): string | undefined => globalThis.flagonShared?.();
  for (const under of [
    "/shared/returned",
    "/shared/redirect",
    "/shared/thrown",
    "/shared/init",
    "/shared-page/redirect",
    "/shared-page/thrown",
  ])
    testSharedObjects(under, open, shared, { under });
});
