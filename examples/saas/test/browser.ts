import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";
import { type Server, startChromium } from "../../../test/support/services/index.ts";
import { password } from "./visitor.ts";

/** The machine may be busy with other tests: what a page does by itself is waited for this long. */
export const slow = { timeout: 15_000 };

/** A browser for the tests around, and pages in it that complain aloud. */
export class Surfer {
  #browser: Browser | undefined;
  #contexts: BrowserContext[] = [];
  #complaints: string[] = [];

  constructor() {
    vi.setConfig({ testTimeout: 90_000 });
    beforeAll(async () => {
      this.#browser = await startChromium();
    });
    afterAll(() => this.#browser?.close());
    afterEach(async () => {
      for (const context of this.#contexts.splice(0)) await context.close();
      expect(this.#complaints.splice(0)).toEqual([]);
    });
  }

  /** A page of a browser without cookies, on the app's home page. What the console complains of fails the test. */
  async visit(app: Server, options: BrowserOptions = {}): Promise<Page> {
    if (this.#browser === undefined) throw new Error("no browser");
    const context = await this.#browser.newContext({ baseURL: app.url, ...options });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => this.#complaints.push(error.message));
    page.on("console", (message) => {
      // Refusals are looked at where they are expected, and a test may stop its app before its pages.
      const isExpected = /status of 4\d\d|net::ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_REFUSED)/.test(
        message.text(),
      );
      if (message.type() === "error" && !isExpected) this.#complaints.push(message.text());
    });
    await page.goto("/");
    return page;
  }
}

interface BrowserOptions {
  readonly javaScriptEnabled?: boolean;
  readonly userAgent?: string;
}

export async function fill(page: Page, fields: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
}

export async function signIn(page: Page, name: string): Promise<void> {
  await page.goto("/sign-in");
  await fill(page, { Name: name, Password: password });
  await page.click("main >> button:text-is('Sign in')");
  await page.waitForURL((url) => url.pathname === "/");
}

export async function signUp(page: Page, name: string, base = ""): Promise<void> {
  await page.goto(`${base}/sign-up`);
  await fill(page, { Name: name, Password: password });
  await page.click("main >> text=Create account");
  await page.waitForURL((url) => url.pathname === "/");
}

export async function heading(page: Page): Promise<string> {
  return (await page.textContent("h1"))?.trim() ?? "";
}

/** The messages of the page as a person reads them, once the script has put them up to be spoken. */
export async function flashes(page: Page): Promise<string[]> {
  const texts = page.locator("[data-flash] p");
  await expect
    .poll(async () => (await texts.count()) === (await page.locator("[data-flash]").count()), slow)
    .toBe(true);
  return (await texts.allTextContents()).map((text) => text.replace(/^(Done|Note|Warning|Error): /, ""));
}

export async function shownBytes(page: Page): Promise<number> {
  return Number((await page.textContent("[data-cookie-bytes]"))?.replace(",", ""));
}

export async function cookieBytes(page: Page): Promise<number> {
  const cookie = (await page.context().cookies()).find(({ name }) => name === "session");
  return cookie === undefined ? 0 : cookie.name.length + cookie.value.length;
}
