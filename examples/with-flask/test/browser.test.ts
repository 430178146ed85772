import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { type Server, startChromium } from "../../../test/support/services/index.ts";
import { startExample } from "./server.ts";

vi.setConfig({ testTimeout: 60_000 });

describeWith("flask", "chromium")("one person before Flask and TypeScript", () => {
  let example: Server;
  let browser: Browser;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    [example, browser] = await Promise.all([startExample(), startChromium()]);
  });

  afterAll(async () => {
    await browser?.close();
    await example?.stop();
  });

  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });

  async function visit(path: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ baseURL: example.url, ...options });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(path);
    return page;
  }

  test("signs in on Flask, is known to TypeScript, is flashed there, signs out there and is out on Flask", async () => {
    const page = await visit("/");
    await signIn(page, "Ada", "Sign in on Flask");
    expect(await flashes(page)).toEqual(["Flask signed Ada in."]);
    expect(await who(page)).toBe("Signed in as Ada, fresh.");
    await page.click("text=Add tea");

    await page.click("nav >> text=TypeScript");
    expect(await title(page)).toBe("This page is TypeScript");
    expect(await who(page)).toBe("Signed in as Ada, fresh.");
    expect(await page.textContent(".basket")).toBe("tea");
    expect(await page.textContent("main")).toMatch(/Last: tea, put in on Flask at \d\d:\d\d:\d\d UTC/);

    await page.click("text=Read it on Flask");
    expect(await title(page)).toBe("This page is Flask");
    expect(await flashes(page)).toEqual(["This was left on the TypeScript page."]);
    await page.reload();
    expect(await flashes(page)).toEqual([]);

    await page.click("nav >> text=TypeScript");
    await page.click("text=Sign out on TypeScript");
    expect(await who(page)).toBe("Nobody is signed in.");
    await page.click("nav >> text=Flask");
    expect(await who(page)).toBe("Nobody is signed in.");
    expect(await page.textContent(".basket")).toBe("Empty.");
  });

  test("signs in on TypeScript, is known to Flask, is flashed there, signs out there and is out on TypeScript", async () => {
    const page = await visit("/ts");
    await signIn(page, "Zoë", "Sign in on TypeScript");
    expect(await flashes(page)).toEqual(["TypeScript signed Zoë in."]);
    await page.click("text=Add bread");

    await page.click("nav >> text=Flask");
    expect(await who(page)).toBe("Signed in as Zoë, fresh.");
    expect(await page.textContent("main")).toMatch(/Last: bread, put in on TypeScript at/);
    await page.click("text=Add tea");
    expect(await page.textContent(".basket")).toBe("bread, tea");

    await page.click("text=Read it on TypeScript");
    expect(await title(page)).toBe("This page is TypeScript");
    expect(await flashes(page)).toEqual(["This was left on the Flask page."]);

    await page.click("nav >> text=Flask");
    await page.click("text=Sign out on Flask");
    expect(await who(page)).toBe("Nobody is signed in.");
    await page.click("nav >> text=TypeScript");
    expect(await who(page)).toBe("Nobody is signed in.");
    // Flask-Login's logout keeps the data; the guide says so.
    expect(await page.textContent(".basket")).toBe("bread, tea");
  });

  test("is remembered by Flask, known to TypeScript after a restart of the browser, and forgotten by its logout", async () => {
    const page = await visit("/");
    await page.check("text=Remember me");
    await signIn(page, "Ada", "Sign in on Flask");
    const context = page.context();
    const cookies = await context.cookies();
    expect(cookies.map(({ name }) => name).sort()).toEqual(["remember_token", "session"]);

    // What a browser keeps when it is closed: cookies with a date.
    await context.clearCookies({ name: "session" });
    await page.goto("/ts");
    expect(await who(page)).toBe("Signed in as Ada, remembered.");
    await page.click("nav >> text=Flask");
    expect(await who(page)).toBe("Signed in as Ada, remembered.");

    await page.click("nav >> text=TypeScript");
    await page.click("text=Sign out on TypeScript");
    expect((await context.cookies()).map(({ name }) => name)).toEqual([]);
    await page.click("nav >> text=Flask");
    expect(await who(page)).toBe("Nobody is signed in.");
  });

  test("stays signed in on both when TypeScript was asked to keep it so", async () => {
    const page = await visit("/ts");
    await page.check("text=Keep me signed in");
    await signIn(page, "Ada", "Sign in on TypeScript");
    const [cookie] = await page.context().cookies();
    expect(cookie?.expires).toBeGreaterThan(Date.now() / 1_000 + 30 * 86_400);
    await page.goto("/");
    const [renewed] = await page.context().cookies();
    expect(renewed?.expires).toBeGreaterThan(Date.now() / 1_000 + 30 * 86_400);
    expect(await who(page)).toBe("Signed in as Ada, fresh.");
  });

  test.each([
    ["light", 1_280],
    ["dark", 1_280],
    ["light", 360],
    ["dark", 360],
  ] as const)(
    "sees pages without a fault that axe knows of, nor a scroll sideways: %s, %d wide",
    async (colorScheme, width) => {
      const page = await visit("/", { colorScheme, viewport: { width, height: 800 } });
      await signIn(page, "Ada".repeat(13), "Sign in on Flask");
      for (let i = 0; i < 3; i++) await page.click("text=Add bread");
      await page.click("text=Read it here");
      for (const path of ["", "/", "/ts"]) {
        if (path !== "") await page.goto(path);
        await page.evaluate(axe.source);
        const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
        expect(found.violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)])).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
      }
    },
  );
});

async function signIn(page: Page, name: string, button: string): Promise<void> {
  await page.fill("input[name=name]", name);
  await page.click(`text=${button}`);
}

async function title(page: Page): Promise<string | null> {
  return page.textContent("h1");
}

/** What the page says of who is signed in. */
async function who(page: Page): Promise<string | null> {
  return page.textContent("section p");
}

async function flashes(page: Page): Promise<string[]> {
  return page.locator("[role=status]").allTextContents();
}
