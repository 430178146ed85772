import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { type Server, startChromium } from "../../../test/support/services/index.ts";
import { startExample } from "./server.ts";

vi.setConfig({ testTimeout: 90_000 });

/** A failover takes about two seconds; on a machine that is busy with other tests, more. */
const slow = { timeout: 30_000 };

describeWith("redis", "chromium")("a person before three instances and a Redis Cluster", () => {
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
    // Also after a test that failed half-way.
    await fetch(`${example.url}/bring-all-back`, { method: "POST", redirect: "manual" });
  });

  async function visit(options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ baseURL: example.url, ...options });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto("/");
    return page;
  }

  test("stays signed in and goes on counting while a Redis node and an instance are lost", async () => {
    const page = await visit();
    await signIn(page, "Ada");
    for (let i = 0; i < 3; i++) await count(page);
    const owner = await ownerOf(page);

    await page.click("text=Lose this Redis node");
    // The page that comes next can't look at the session: it says so, and goes on by itself.
    await expect.poll(() => heading(page), slow).toBe("Signed in as Ada");
    expect(await page.textContent("[data-part=count]")).toBe("3");
    expect(await ownerOf(page)).not.toBe(owner);
    expect(await page.textContent("[data-part=nodes] .lost .item-name")).toBe(owner);
    await count(page);
    expect(await page.textContent("[data-part=count]")).toBe("4");

    const from = await page.textContent(".lead strong");
    await page.click("text=Lose this instance");
    await expect.poll(() => page.textContent("[data-part=instances] .lost .item-name"), slow).toBe(`Instance ${from}`);
    for (let i = 0; i < 4; i++) await count(page);
    expect(await page.textContent("[data-part=count]")).toBe("8");

    await page.click("text=Bring all back");
    await expect.poll(() => page.locator(".lost").count(), slow).toBe(0);
    expect(await heading(page)).toBe("Signed in as Ada");
  });

  test("is told kindly while the session is out of reach, and goes on when it is back", async () => {
    const page = await visit();
    await signIn(page, "Eve");
    const other = await page.context().newPage();
    await other.goto("/");
    await loseMasterAndReplica(other, "Signed in as Eve");
    const [refused] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith("/count")),
      count(page),
    ]);
    expect(refused.status()).toBe(503);
    expect(refused.headers()["retry-after"]).toBe("5");
    expect(await heading(page)).toBe("One moment");

    await page.click("text=Bring all back");
    for (const tab of [page, other]) await expect.poll(() => heading(tab), slow).toBe("Signed in as Eve");
    expect(await page.textContent("[data-part=count]")).toBe("0");
    await count(page);
    expect(await page.textContent("[data-part=count]")).toBe("1");
  });

  test("sees no fault that axe knows of, nor a scroll sideways, in light and dark, on a screen and a phone", async () => {
    const page = await visit();
    await expectGood(page);
    await signIn(page, "Ada".repeat(13));
    await expectGood(page);
    await loseMasterAndReplica(page, `Signed in as ${"Ada".repeat(13)}`);
    // That page asks again by itself: on 204 the browser stays with what it shows, for as long as the look takes.
    await page.route("**", (route) => route.fulfill({ status: 204 }));
    await expectGood(page);
  });
});

async function expectGood(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1_280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
      const faults = found.violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
      expect({ colorScheme, width, faults }).toEqual({ colorScheme, width, faults: [] });
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    }
  }
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.fill("input[name=name]", name);
  await page.click("button:text-is('Sign in')");
  await page.waitForSelector("text=Signed in as");
}

/** After the second of them nobody is left to take over, so that it stays so until somebody brings one back. */
async function loseMasterAndReplica(page: Page, whenBack: string): Promise<void> {
  await page.click("text=Lose this Redis node");
  await expect.poll(() => heading(page), slow).toBe(whenBack);
  await page.click("text=Lose this Redis node");
  await expect.poll(() => heading(page), slow).toBe("One moment");
}

async function count(page: Page): Promise<void> {
  await page.click("button:text-is('Count')");
}

async function heading(page: Page): Promise<string | null> {
  return page.textContent("h1");
}

/** The Redis node that has the session, as the page shows it. */
async function ownerOf(page: Page): Promise<string | null> {
  const name = await page.textContent("[data-part=nodes] .item-name:has(.badge)");
  return name?.replace(/ *your session/, "") ?? null;
}
