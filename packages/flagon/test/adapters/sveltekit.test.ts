import type { RequestListener } from "node:http";
import type { RequestEvent } from "@sveltejs/kit";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { session } from "../../src/adapters/sveltekit.ts";
import { Client, sessionCookies } from "../../src/testing/adapter/client.ts";
import { valuesOf } from "../../src/testing/adapter/raw-http.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { build, importBuilt } from "./build.ts";
import { appOf, down, homes, listen, servers, testAll } from "./listen.ts";
import { fetchWays } from "./shared-head.ts";

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

describe("the sveltekit door conforms in a production build", () =>
  testAll(adapterConformance(serve, { sharedHeads: Object.keys(fetchWays) })));

describe.each(homes)("on sveltekit, %s", (_, make) => {
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

  test("a failing save is answered as the app says", async () => {
    const sessions = make();
    sessions.failWith(down);
    const handle = session(sessions, { onError: (error) => new Response(`our own ${error.status}`, { status: 503 }) });
    const request = new Request("http://127.0.0.1/");
    const event = { request, locals: {}, getClientAddress: () => "127.0.0.1" } as RequestEvent;
    const response = await handle({ event, resolve: async () => new Response("lost") });
    expect(await response.text()).toBe("our own 503");
  });
});
