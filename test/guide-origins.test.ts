import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import express, { type RequestHandler } from "express";
import { session } from "flagon/express";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { certificate } from "../packages/flagon/test/adapters/certificate.ts";
import { programsOf } from "./support/programs.ts";
import { describeWith } from "./support/services/describe-with.ts";
import { openProfile, profileFolder, startChromium } from "./support/services/index.ts";

/** Its types are not here. */
const cors: (options: { origin: string; credentials: boolean }) => RequestHandler = createRequire(import.meta.url)(
  "cors",
);

const root = join(import.meta.dirname, "..");
const secret = "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY";
const chapter = "A front end on another origin, and apps";

/** What the programs import and is the reader's own, and the types of a package that is here without them. */
const yours: readonly (readonly [file: string, code: string])[] = [
  [
    "provider.ts",
    `export const signInPage = (state: string): string => \`\${globalThis.provider}/?state=\${state}\`;
export async function readAnswer(answer: Record<string, string>): Promise<{ id: string }> {
  if (answer.code === undefined) throw new Error("no answer of the provider's");
  return { id: answer.code };
}
`,
  ],
  [
    "types.d.ts",
    `declare module "cors" {
  import type { RequestHandler } from "express";
  export default function cors(options: { origin: string; credentials: boolean }): RequestHandler;
}
declare var provider: string;
`,
  ],
];

interface FetchApp {
  fetch(request: Request): Response | Promise<Response>;
}

describeWith("chromium")("docs/guide.md, a front end on another origin, in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "flagon-origins-"));
  const programs = programsOf("docs/guide.md", chapter);
  const servers: Server[] = [];
  const contexts: BrowserContext[] = [];
  let browser: Browser;

  beforeAll(async () => {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [file, code] of [...programs, ...yours]) writeFileSync(join(folder, file), code);
    vi.stubEnv("SESSION_SECRET", secret);
    browser = await startChromium();
  });

  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    vi.restoreAllMocks();
    vi.resetModules();
  });

  afterAll(async () => {
    await browser?.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The port of a server, over TLS unless it is told not to. Any name below localhost leads to it. */
  async function serve(app: RequestListener, tls = true): Promise<number> {
    const server = (tls ? createHttpsServer(certificate, app) : createHttpServer(app)) as Server;
    servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** A server of pages, which has no session. */
  const pages = (page: (url: URL) => string, tls = true, headers: Record<string, string> = {}): Promise<number> =>
    serve((request, response) => {
      const html = page(new URL(request.url ?? "/", "https://localhost"));
      response.writeHead(200, { "content-type": "text/html", ...headers }).end(html);
    }, tls);

  async function newPage(): Promise<Page> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    contexts.push(context);
    return await context.newPage();
  }

  /** The program, as if it had just been started. */
  const load = async <Module>(file: string, env: Record<string, string> = {}): Promise<Module> => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    return await import(join(folder, file));
  };

  /** What the page gets that asks as the guide says; the browser's own words where it hides the answer. */
  const ask = (page: Page, url: string): Promise<string> =>
    page.evaluate(
      (url) =>
        fetch(url, { method: "POST", credentials: "include" })
          .then((response) => response.text())
          .catch((error: Error) => error.message),
      url,
    );

  test("the programs have the right types", () => {
    const files = [...programs, ...yours].map(([file]) => file);
    expect(files.slice(0, -yours.length)).toEqual([
      "api.ts",
      "api-of-another-site.ts",
      "widget.ts",
      "form-post.ts",
      "form-post-redirect.ts",
    ]);
    const config = join(folder, "origins.json");
    writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.base.json"), files }));
    const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--project", config], { encoding: "utf8" });
    expect(stdout).toBe("");
  });

  test("api.ts: a front end on another port of localhost has its session, and no other page has", async () => {
    const front = await pages(() => "front end", false);
    const other = await pages(() => "another", false);
    const { app } = await load<{ app: RequestListener }>("api.ts", { FRONT_END: `http://localhost:${front}` });
    const api = `http://localhost:${await serve(app, false)}/visits`;
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const page = await newPage();
    await page.goto(`http://localhost:${front}/`);
    expect([await ask(page, api), await ask(page, api)]).toEqual(["1", "2"]);
    expect(warn).not.toHaveBeenCalled();
    for (const name of ["localhost", "127.0.0.1"]) {
      await page.goto(`http://${name}:${other}/`);
      expect(await ask(page, api)).toBe("Failed to fetch");
      await expect
        .poll(() => warn.mock.calls.map(([text]) => text))
        .toContainEqual(
          `cross-site request refused: its Origin is http://${name}:${other}, this server's ${new URL(api).origin}; if the page is yours, pass csrf: { trustedOrigins: ["http://${name}:${other}"] }`,
        );
    }
    await page.goto(`http://localhost:${front}/`);
    expect(await ask(page, api)).toBe("3");
  });

  test("a refusal can be read where cors() is mounted before the session, and where it is not the server's log says it", async () => {
    const front = await pages(() => "front end", false);
    const origin = `http://localhost:${front}`;
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const allow = cors({ origin, credentials: true });
    const sessions = session({ secret });
    const page = await newPage();
    await page.goto(origin);
    const before = `http://localhost:${await serve(express().use(allow, sessions), false)}/`;
    expect(await ask(page, before)).toContain(`its Origin is ${origin}, this server&#39;s ${before.slice(0, -1)};`);
    await expect.poll(() => warn.mock.calls.length).toBe(1);
    const after = `http://localhost:${await serve(express().use(sessions, allow), false)}/`;
    expect(await ask(page, after)).toBe("Failed to fetch");
    expect(warn.mock.calls[0]?.[0]).toContain(`its Origin is ${origin}, this server's`);
  });

  test.each([true, false])(
    "api-of-another-site.ts: a front end on another site has its session; TLS: %j",
    async (tls) => {
      const scheme = tls ? "https" : "http";
      const front = `${scheme}://shop.localhost:${await pages(() => "front end", tls)}`;
      const { app } = await load<{ app: FetchApp }>("api-of-another-site.ts", { FRONT_END: front });
      const api = `${scheme}://api.localhost:${await serve(getRequestListener(app.fetch), tls)}/visits`;
      const incognito = await newPage();
      await incognito.goto(front);
      expect([await ask(incognito, api), await ask(incognito, api)]).toEqual(["1", "1"]);

      // Debian's Chromium keeps no cookies of other sites unless it is told to.
      const folder = profileFolder();
      mkdirSync(join(folder, "Default"), { recursive: true });
      writeFileSync(join(folder, "Default/Preferences"), '{"profile":{"cookie_controls_mode":0}}');
      const profile = await openProfile(folder, { ignoreHTTPSErrors: true });
      contexts.push(profile);
      const page = await profile.newPage();
      await page.goto(front);
      expect([await ask(page, api), await ask(page, api)]).toEqual(["1", "2"]);
      const evil = await pages(() => `<form method="post" action="${api}"><button>Win</button></form>`, tls);
      await page.goto(`${scheme}://evil.localhost:${evil}/`);
      await page.click("button");
      expect(await page.textContent("body")).toContain("cross-site request refused");
      await page.goto(front);
      expect(await ask(page, api)).toBe("3");
    },
  );

  test("a Lax cookie does not come from another site, whatever CORS says", async () => {
    const front = `https://shop.localhost:${await pages(() => "front end")}`;
    const app = express().use(
      cors({ origin: front, credentials: true }),
      session({ secret, csrf: { trustedOrigins: [front] } }),
    );
    app.post("/visits", (request, response) => {
      const visits = request.session as unknown as { update(key: string, step: (n?: number) => number): number };
      response.json(visits.update("visits", (count = 0) => count + 1));
    });
    const api = `https://api.localhost:${await serve(app)}/visits`;
    const page = await newPage();
    await page.goto(front);
    expect([await ask(page, api), await ask(page, api)]).toEqual(["1", "1"]);
  });

  test("widget.ts: a frame on two sites has a session for each", async () => {
    const { fetch } = await load<{ fetch: (request: Request) => Promise<Response> }>("widget.ts");
    const widget = `https://widget.localhost:${await serve(getRequestListener(fetch))}/`;
    const customer = await pages(() => `<iframe src="${widget}"></iframe>`);
    const page = await newPage();
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

  describe.each([
    ["form-post.ts", "lax"],
    ["form-post.ts", "strict"],
    ["form-post-redirect.ts", "lax"],
  ] as const)("%s, with a cookie of SameSite=%s", (file, sameSite) => {
    /** The shop, a visitor with tea in the cart, and the provider that the sign-in leads to. */
    async function setUp(headers: Record<string, string> = {}): Promise<{ page: Page; shop: string; evil: string }> {
      const code = programs.find(([name]) => name === file)?.[1] ?? "";
      const program = `${sameSite}-${file}`;
      const option = `session({\n    cookie: { sameSite: "${sameSite}" },`;
      writeFileSync(join(folder, program), code.replace("session({", option));
      const { app } = await load<{ app: RequestListener | FetchApp }>(program);
      const listener = "fetch" in app ? getRequestListener(app.fetch) : app;
      const shop = `https://shop.localhost:${await serve(listener)}`;
      const form = ({ searchParams }: URL): string =>
        `<form method="post" action="${shop}/auth/return"><input name="code" value="${searchParams.get("code") ?? "ann&quot;&lt;"}">
        <input name="state" value="${searchParams.get("state")}"><button>Sign in</button></form>`;
      const port = await pages(form, true, headers);
      Object.assign(globalThis, { provider: `https://id.localhost:${port}` });
      const page = await newPage();
      await page.goto(shop);
      await page.evaluate(() => fetch("/cart/tea", { method: "POST" }));
      return { page, shop, evil: `https://evil.localhost:${port}/?code=mallory` };
    }
    const text = (page: Page): Promise<string | null> => page.textContent("body");

    test.each([
      ["its own", {}],
      ["null, by Referrer-Policy: no-referrer", { "referrer-policy": "no-referrer" }],
    ])("a visitor comes back by a form whose Origin is %s, is signed in, and keeps the cart", async (_, headers) => {
      const { page, shop } = await setUp(headers);
      const posted = new Promise<string | undefined>((resolve) =>
        page.on("request", async (request) => {
          if (request.url() === `${shop}/auth/return`) resolve((await request.allHeaders()).cookie);
        }),
      );
      await page.goto(`${shop}/auth/start`);
      await page.click("button");
      await page.waitForURL(`${shop}/`);
      expect(await text(page)).toBe('Hello ann"<, tea in your cart');
      expect(await posted).toBeUndefined();
    });

    test("a page that posts an answer of its own signs nobody in, and the visitor keeps the session", async () => {
      const { page, shop, evil } = await setUp();
      await page.goto(`${evil}&state=${"A".repeat(22)}`);
      await page.click("button");
      await expect.poll(() => text(page)).toBe("Please sign in again.");
      await page.goto(shop);
      expect(await text(page)).toBe("Hello stranger, tea in your cart");
    });
  });

  describe("with a cookie of SameSite=strict", () => {
    const cookie = { sameSite: "strict" } as const;

    test("a redirect does not bring the cookie along, so that nobody is signed in", async () => {
      const app = express().use(session({ secret, cookie, csrf: { exempt: () => true } }));
      app.get("/in", (request, response) => {
        request.session.login("ann");
        response.send("signed in");
      });
      app.post("/auth/return", (_, response) => response.redirect(303, "/"));
      app.get("/", (request, response) => void response.send(`Hello ${request.session.userId}`));
      const shop = `https://shop.localhost:${await serve(app)}`;
      const form = `<form method="post" action="${shop}/auth/return"><button>Sign in</button></form>`;
      const other = await pages(() => `${form}<a href="${shop}">To the shop</a>`);
      const page = await newPage();
      await page.goto(`${shop}/in`);
      for (const way of ["button", "a"]) {
        await page.goto(`https://id.localhost:${other}/`);
        await page.click(way);
        await page.waitForURL(`${shop}/`);
        expect([way, await page.textContent("body")]).toEqual([way, "Hello null"]);
      }
      await page.goto(shop);
      expect(await page.textContent("body")).toBe("Hello ann");
    });

    test("what a page stores that a link on another site leads to begins a new session in the old one's place", async () => {
      const app = express().use(session({ secret, cookie }));
      app.get("/in", (request, response) => {
        request.session.login("ann");
        response.send("signed in");
      });
      app.get("/", (request, response) => {
        request.session.flash("hello");
        response.send(`Hello ${request.session.userId}`);
      });
      const shop = `https://shop.localhost:${await serve(app)}`;
      const other = await pages(() => `<a href="${shop}">To the shop</a>`);
      const page = await newPage();
      await page.goto(`${shop}/in`);
      await page.goto(`https://id.localhost:${other}/`);
      await page.click("a");
      await page.waitForURL(`${shop}/`);
      await page.goto(shop);
      expect(await page.textContent("body")).toBe("Hello null");
    });
  });

  test("a sign-in in the form post itself is refused with the recipe, and the visitor keeps the session", async () => {
    const app = express().use(session({ secret, csrf: { exempt: () => true } }));
    app.post("/auth/return", (request, response) => {
      request.session.login("mallory");
      response.redirect(303, "/");
    });
    app.get("/in", (request, response) => {
      request.session.login("ann");
      response.send("signed in");
    });
    app.get("/", (request, response) => void response.send(`Hello ${request.session.userId}`));
    const shop = `https://shop.localhost:${await serve(app)}`;
    const form = await pages(() => `<form method="post" action="${shop}/auth/return"><button>Sign in</button></form>`);
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const page = await newPage();
    await page.goto(`${shop}/in`);
    await page.goto(`https://id.localhost:${form}/`);
    const [response] = await Promise.all([page.waitForNavigation(), page.click("button")]);
    expect(response?.status()).toBe(403);
    expect(await page.textContent("body")).toContain("Answer with a redirect or a form to a path of this site");
    await expect.poll(() => warn.mock.calls[0]?.[0]).toContain(`its Origin is https://id.localhost:${form}`);
    await page.goto(shop);
    expect(await page.textContent("body")).toBe("Hello ann");
  });
});
