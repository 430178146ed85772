import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { type Server, startChromium } from "../../../test/support/services/index.ts";
import { startApp } from "./server.ts";
import { password } from "./visitor.ts";

describeWith("chromium")("the pages", () => {
  let app: Server;
  let browser: Browser;

  beforeAll(async () => {
    [app, browser] = await Promise.all([startApp(), startChromium()]);
  });

  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });

  test.each([
    ["light", 1_280, 800],
    ["dark", 1_280, 800],
    ["light", 360, 740],
    ["dark", 360, 740],
  ] as const)(
    "have no fault that axe knows of, nor scroll sideways: %s, %d wide",
    async (colorScheme, width, height) => {
      const context = await browser.newContext({
        baseURL: app.url,
        colorScheme,
        viewport: { width, height },
        reducedMotion: "reduce",
      });
      const page = await context.newPage();
      const name = `${colorScheme}-${width}`;

      for (const path of ["/", "/session", "/sign-in", "/sign-in?ended=idle", "/nowhere"]) await check(page, path);
      await page.goto("/sign-up");
      await page.fill("#username", "!");
      await page.fill("#password", "short");
      await page.press("#password", "Enter");
      await page.waitForSelector("#password-problem");
      await check(page);

      await page.fill("#username", name);
      await page.fill("#password", password);
      await page.press("#password", "Enter");
      await page.waitForSelector("[data-flash=success] p");
      await check(page);
      await check(page, "/devices");
      await check(page, "/settings");

      await page.goto("/session");
      await page.fill("#key", "a-key-without-any-space-in-it-that-is-as-long-as-a-key-may-be");
      await page.fill("#value", "value".repeat(60));
      await page.press("#value", "Enter");
      await page.waitForSelector("table");
      await page.evaluate(leaveFlashes);
      await page.reload();
      await page.waitForSelector("[data-flash=error] p");
      await check(page);
      await context.close();
    },
    90_000,
  );
});

/** One of each category, without a look at the page that each leads to, which would take it away. */
async function leaveFlashes(): Promise<void> {
  for (const category of ["info", "success", "warning", "error"]) {
    const body = new URLSearchParams({ category, message: `A message without-any-space${"-in-it".repeat(20)}` });
    await fetch("/session/flash", { method: "POST", body, redirect: "manual" });
  }
}

const rules: axe.RunOptions = {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
};

async function check(page: Page, path?: string): Promise<void> {
  if (path !== undefined) await page.goto(path);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(`axe.run(document, ${JSON.stringify(rules)})`);
  const faults = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join("\n")}`);
  expect(faults, page.url()).toEqual([]);
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, `${page.url()} scrolls sideways`).toBe(0);
}
