import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import express, { type RequestHandler } from "express";
import Fastify, { type FastifyPluginCallback } from "fastify";
import type { Session } from "flagon";
import { session } from "flagon/express";
import { session as fastifySession } from "flagon/fastify";
import { session as honoSession, type SessionEnv } from "flagon/hono";
import { Hono } from "hono";
import { cors as honoCors } from "hono/cors";
import type { Page } from "playwright-core";
import { createServer as createViteServer } from "vite";
import { expect, test, vi } from "vitest";
import { type FetchApp, Origins, secret } from "./support/origins.ts";
import { describeWith } from "./support/services/describe-with.ts";
import { freePort } from "./support/services/server.ts";

interface CorsOptions {
  readonly origin: string;
  readonly credentials: boolean;
}

/** Their types are not here. */
const require = createRequire(import.meta.url);
const cors: (options: CorsOptions) => RequestHandler = require("cors");
const fastifyCors: FastifyPluginCallback<CorsOptions> = require("@fastify/cors");
const root = join(import.meta.dirname, "..");

/** What the page gets that asks as the guide says; the browser's own words where it hides the answer. */
function ask(page: Page, url: string): Promise<string> {
  return page.evaluate(
    (url) =>
      fetch(url, { method: "POST", credentials: "include" })
        .then((response) => response.text())
        .catch((error: Error) => error.message),
    url,
  );
}

const count = (session: unknown): number =>
  (session as Session<{ visits: number }>).update("visits", (visits = 0) => visits + 1);

describeWith("chromium")("docs/guide.md, a front end on another origin, in Chromium", () => {
  const origins = new Origins();

  test("the programs have the right types", () => {
    const files = origins.programs.map(([file]) => file);
    expect(files).toEqual(["api.ts", "api-of-another-site.ts", "widget.ts", "form-post.ts", "form-post-redirect.ts"]);
    const config = join(origins.folder, "origins.json");
    writeFileSync(
      config,
      JSON.stringify({ extends: join(root, "tsconfig.base.json"), files: [...files, "types.d.ts"] }),
    );
    const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--project", config], { encoding: "utf8" });
    expect(stdout).toBe("");
  });

  test.each([
    { front: "localhost", api: "localhost", others: ["localhost", "127.0.0.1"], tls: false },
    {
      front: "app.shop.localhost",
      api: "api.shop.localhost",
      others: ["blog.shop.localhost", "evil.localhost"],
      tls: true,
    },
  ])("api.ts: a front end of the same site has its session, and no other page has: %j", async (names) => {
    const scheme = names.tls ? "https" : "http";
    const front = `${scheme}://${names.front}:${await origins.pages(() => "front end", names.tls)}`;
    const port = await origins.pages(() => "another", names.tls);
    const { app } = await origins.load<{ app: RequestListener }>("api.ts", { FRONT_END: front });
    const api = `${scheme}://${names.api}:${await origins.serve(app, names.tls)}`;
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const page = await origins.newPage();
    await page.goto(front);
    expect([await ask(page, `${api}/visits`), await ask(page, `${api}/visits`)]).toEqual(["1", "2"]);
    expect(warn).not.toHaveBeenCalled();
    for (const name of names.others) {
      const other = `${scheme}://${name}:${port}`;
      await page.goto(other);
      expect(await ask(page, `${api}/visits`)).toBe("Failed to fetch");
      const told = `cross-site request refused: its Origin is ${other}, this server's ${api}; if the page is yours, pass csrf: { trustedOrigins: ["${other}"] }`;
      await expect.poll(() => warn.mock.calls.map(([text]) => text)).toContain(told);
    }
    await page.goto(front);
    expect(await ask(page, `${api}/visits`)).toBe("3");
  });

  test("a refusal can be read where cors() is mounted before the session, and where it is not the server's log says it", async () => {
    const front = await origins.pages(() => "front end", false);
    const origin = `http://localhost:${front}`;
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const allow = cors({ origin, credentials: true });
    const sessions = session({ secret });
    const page = await origins.newPage();
    await page.goto(origin);
    const before = `http://localhost:${await origins.serve(express().use(allow, sessions), false)}/`;
    expect(await ask(page, before)).toContain(`its Origin is ${origin}, this server&#39;s ${before.slice(0, -1)};`);
    await expect.poll(() => warn.mock.calls.length).toBe(1);
    const after = `http://localhost:${await origins.serve(express().use(sessions, allow), false)}/`;
    expect(await ask(page, after)).toBe("Failed to fetch");
    expect(warn.mock.calls[0]?.[0]).toContain(`its Origin is ${origin}, this server's`);
  });

  test.each([true, false])(
    "api-of-another-site.ts: a front end on another site has its session; TLS: %j",
    async (tls) => {
      const scheme = tls ? "https" : "http";
      const front = `${scheme}://shop.localhost:${await origins.pages(() => "front end", tls)}`;
      const { app } = await origins.load<{ app: FetchApp }>("api-of-another-site.ts", { FRONT_END: front });
      const api = `${scheme}://api.localhost:${await origins.serve(getRequestListener(app.fetch), tls)}/visits`;
      const incognito = await origins.newPage();
      await incognito.goto(front);
      expect([await ask(incognito, api), await ask(incognito, api)]).toEqual(["1", "1"]);

      const page = await origins.newPageWithAllCookies();
      await page.goto(front);
      expect([await ask(page, api), await ask(page, api)]).toEqual(["1", "2"]);
      const evil = await origins.pages(() => `<form method="post" action="${api}"><button>Win</button></form>`, tls);
      await page.goto(`${scheme}://evil.localhost:${evil}/`);
      await page.click("button");
      expect(await page.textContent("body")).toContain("cross-site request refused");
      await page.goto(front);
      expect(await ask(page, api)).toBe("3");
    },
  );

  test("api-of-another-site.ts: an extension has its session, at the origin that it is told", async () => {
    const { folder, origin } = origins.extension();
    const page = await origins.newPageWithAllCookies(folder);
    await page.goto(`${origin}/page.html`);
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    for (const [frontEnd, answers] of [
      [origin, ["1", "2"]],
      ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", ["Failed to fetch", "Failed to fetch"]],
    ] as const) {
      vi.resetModules();
      const { app } = await origins.load<{ app: FetchApp }>("api-of-another-site.ts", { FRONT_END: frontEnd });
      const api = `http://localhost:${await origins.serve(getRequestListener(app.fetch), false)}/visits`;
      expect([await ask(page, api), await ask(page, api)]).toEqual(answers);
    }
    await expect.poll(() => String(warn.mock.calls[0]?.[0])).toContain(`trustedOrigins: ["${origin}"]`);
  });

  test.each<[name: string, serve: (origin: string) => Promise<RequestListener>]>([
    [
      "Fastify",
      async (origin) => {
        const app = Fastify();
        await app.register(fastifyCors, { origin, credentials: true });
        await app.register(fastifySession({ secret }));
        app.post("/visits", () => "handled");
        await app.ready();
        return (request, response) => app.routing(request, response);
      },
    ],
    [
      "Hono",
      async (origin) => {
        const app = new Hono<SessionEnv>().use(honoCors({ origin, credentials: true })).use(honoSession({ secret }));
        return getRequestListener(app.post("/visits", (c) => c.text("handled")).fetch);
      },
    ],
  ])("a refusal can be read on %s where CORS is mounted before the session", async (_, serve) => {
    const front = `http://localhost:${await origins.pages(() => "front end", false)}`;
    const api = `http://localhost:${await origins.serve(await serve(front), false)}/visits`;
    const page = await origins.newPage();
    await page.goto(front);
    expect(await ask(page, api)).toContain(`cross-site request refused: its Origin is ${front}, this server's`);
  });

  test("Vite's server.proxy makes one origin of two ports: neither CORS nor an option is needed", async () => {
    const app = express().use(session({ secret }));
    app.post("/api/visits", (request, response) => void response.json(count(request.session)));
    const target = `http://localhost:${await origins.serve(app, false)}`;
    const port = await freePort();
    writeFileSync(join(origins.folder, "index.html"), "<p>front end</p>");
    const vite = await createViteServer({
      root: origins.folder,
      configFile: false,
      logLevel: "silent",
      server: { host: "localhost", port, strictPort: true, hmr: false, proxy: { "/api": target } },
    });
    try {
      await vite.listen();
      const page = await origins.newPage();
      await page.goto(`http://localhost:${port}/`);
      expect([await ask(page, "/api/visits"), await ask(page, "/api/visits")]).toEqual(["1", "2"]);
    } finally {
      await vite.close();
    }
  });

  test("a Lax cookie does not come from another site, whatever CORS says", async () => {
    const front = `https://shop.localhost:${await origins.pages(() => "front end")}`;
    const app = express().use(
      cors({ origin: front, credentials: true }),
      session({ secret, csrf: { trustedOrigins: [front] } }),
    );
    app.post("/visits", (request, response) => void response.json(count(request.session)));
    const api = `https://api.localhost:${await origins.serve(app)}/visits`;
    const page = await origins.newPageWithAllCookies();
    await page.goto(front);
    expect([await ask(page, api), await ask(page, api)]).toEqual(["1", "1"]);
  });

  test("widget.ts: a frame on two sites has a session for each", async () => {
    const { fetch } = await origins.load<{ fetch: (request: Request) => Promise<Response> }>("widget.ts");
    const widget = `https://widget.localhost:${await origins.serve(getRequestListener(fetch))}/`;
    const customer = await origins.pages(() => `<iframe src="${widget}"></iframe>`);
    const page = await origins.newPage();
    const frame = page.frameLocator("iframe");
    await page.goto(`https://one.localhost:${customer}/`);
    expect(await frame.locator("p").textContent()).toBe("Visit number 1");
    await frame.locator("button").click();
    await expect.poll(() => frame.locator("p").textContent()).toBe("Visit number 2");
    await page.goto(`https://two.localhost:${customer}/`);
    expect(await frame.locator("p").textContent()).toBe("Visit number 1");
    await page.goto(`https://one.localhost:${customer}/`);
    expect(await frame.locator("p").textContent()).toBe("Visit number 3");
  });
});
