import { writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import { session } from "flagon/express";
import type { Page } from "playwright-core";
import { describe, expect, test, vi } from "vitest";
import { type FetchApp, Origins, secret } from "./support/origins.ts";
import { describeWith } from "./support/services/describe-with.ts";

describeWith("chromium")("docs/guide.md, a sign-in that comes back as a form post, in Chromium", () => {
  const origins = new Origins();

  describe.each([
    ["form-post.ts", "lax"],
    ["form-post.ts", "strict"],
    ["form-post-redirect.ts", "lax"],
  ] as const)("%s, with a cookie of SameSite=%s", (file, sameSite) => {
    /** The shop, a visitor with tea in the cart, and the provider that the sign-in leads to. */
    async function setUp(headers: Record<string, string> = {}): Promise<{ page: Page; shop: string; evil: string }> {
      const code = origins.programs.find(([name]) => name === file)?.[1] ?? "";
      const program = `${sameSite}-${file}`;
      const option = `session({\n    cookie: { sameSite: "${sameSite}" },`;
      writeFileSync(join(origins.folder, program), code.replace("session({", option));
      const { app } = await origins.load<{ app: RequestListener | FetchApp }>(program);
      const listener = "fetch" in app ? getRequestListener(app.fetch) : app;
      const shop = `https://shop.localhost:${await origins.serve(listener)}`;
      const form = ({ searchParams }: URL): string =>
        `<form method="post" action="${shop}/auth/return"><input name="code" value="${searchParams.get("code") ?? "ann&quot;&lt;"}">
        <input name="state" value="${searchParams.get("state")}"><button>Sign in</button></form>`;
      const port = await origins.pages(form, true, headers);
      Object.assign(globalThis, { provider: `https://id.localhost:${port}` });
      const page = await origins.newPage();
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
      const shop = `https://shop.localhost:${await origins.serve(app)}`;
      const form = `<form method="post" action="${shop}/auth/return"><button>Sign in</button></form>`;
      const other = await origins.pages(() => `${form}<a href="${shop}">To the shop</a>`);
      const page = await origins.newPage();
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
      const shop = `https://shop.localhost:${await origins.serve(app)}`;
      const other = await origins.pages(() => `<a href="${shop}">To the shop</a>`);
      const page = await origins.newPage();
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
    const shop = `https://shop.localhost:${await origins.serve(app)}`;
    const form = await origins.pages(
      () => `<form method="post" action="${shop}/auth/return"><button>Sign in</button></form>`,
    );
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const page = await origins.newPage();
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
