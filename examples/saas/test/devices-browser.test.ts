import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { type Server, startPostgres, startRedis } from "../../../test/support/services/index.ts";
import { fill, flashes, heading, Surfer, signIn, signUp, slow } from "./browser.ts";
import { startApp } from "./server.ts";

const userAgent = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/1 Safari/605.1";

describeWith("chromium")("two devices of one person", () => {
  const surfer = new Surfer();
  let app: Server;

  beforeAll(async () => {
    app = await startApp();
  });

  afterAll(() => app?.stop());

  const both = (name: string) => laptopAndPhone(surfer, app, name);

  test("see each other come, without a reload", async () => {
    const { laptop, phone } = await both("come");
    await expect.poll(() => listed(laptop), slow).toEqual(["Chrome on Linux", "Safari on iPhone"]);
    expect(await laptop.textContent("[data-devices-changed]")).toBe("A device signed in.");
    expect(await laptop.textContent(".devices li:first-child")).toContain("This device");
    await phone.goto("/devices");
    expect(await listed(phone)).toEqual(["Safari on iPhone", "Chrome on Linux"]);
    await phone.click("header >> text=Sign out");
    await expect.poll(() => listed(laptop), slow).toEqual(["Chrome on Linux"]);
  });

  test("sign one another out, and the one signed out is told at once", async () => {
    const { laptop, phone } = await both("one");
    await laptop.getByRole("button", { name: /^Sign out Safari on iPhone/ }).click(slow);
    expect(await flashes(laptop)).toEqual(["Safari on iPhone is signed out."]);
    await phone.waitForURL("**/sign-in?*", slow);
    expect(await phone.textContent("main [role=status]")).toMatch(/^You were signed out in another tab or on another/);
    expect((await phone.context().cookies()).map(({ name }) => name)).toContain("session");
    await phone.goto("/settings");
    expect(await heading(phone)).toBe("Sign in");
    await signIn(phone, "one");
    expect(await heading(phone)).toBe("Logged in as one");
    expect(await heading(laptop)).toBe("Devices");
  });

  test("are all signed out but the one that asks for it", async () => {
    const { laptop, phone } = await both("all");
    const third = await surfer.visit(app);
    await signIn(third, "all");
    await laptop.click("text=Sign out all other devices");
    expect(await flashes(laptop)).toEqual(["All other devices are signed out."]);
    expect(await listed(laptop)).toEqual(["Chrome on Linux"]);
    for (const other of [phone, third]) await other.waitForURL("**/sign-in?*", slow);
  });

  test("are signed out by a new password, but for the one that set it", async () => {
    const { laptop, phone } = await both("password");
    await laptop.goto("/settings");
    await fill(laptop, { "New password": "an even longer password" });
    await laptop.click("text=Change password");
    expect(await flashes(laptop)).toEqual(["Your password is changed. Other devices are signed out."]);
    await phone.waitForURL("**/sign-in?*", slow);
    await laptop.goto("/");
    expect(await heading(laptop)).toBe("Logged in as password");
  });

  test("keep what each of them put into its session", async () => {
    const { laptop, phone } = await both("values");
    for (const [page, value] of [
      [laptop, "from the laptop"],
      [phone, "from the phone"],
    ] as const) {
      await page.goto("/session");
      await fill(page, { Key: "note", Value: value });
      await page.click("button:text-is('Set')");
    }
    await laptop.reload();
    expect(await laptop.textContent("table")).toContain("from the laptop");
    expect(await phone.textContent("table")).toContain("from the phone");
  });
});

describeWith("chromium", "redis")("two devices, with sessions in Redis,", () => {
  onEngine(() => startRedis());
});

describeWith("chromium", "postgres")("two devices, with sessions in PostgreSQL,", () => {
  onEngine(() => startPostgres());
});

function onEngine(startEngine: () => Promise<Server>): void {
  const surfer = new Surfer();

  test("see each other, and sign one another out", async () => {
    await using engine = await startEngine();
    await using app = await startApp({ SESSIONS: engine.url });
    const { laptop, phone } = await laptopAndPhone(surfer, app, "engine");
    await expect.poll(() => listed(laptop), slow).toEqual(["Chrome on Linux", "Safari on iPhone"]);
    await laptop.getByRole("button", { name: /^Sign out Safari on iPhone/ }).click();
    await phone.waitForURL("**/sign-in?*", slow);
    await signIn(phone, "engine");
    await laptop.goto("/settings");
    await fill(laptop, { "New password": "an even longer password" });
    await laptop.click("text=Change password");
    await phone.waitForURL("**/sign-in?*", slow);
    expect(await heading(laptop)).toBe("Settings");
  });
}

/** A laptop on the page of devices, and a phone on the home page, both of one person. */
async function laptopAndPhone(surfer: Surfer, app: Server, name: string): Promise<{ laptop: Page; phone: Page }> {
  const laptop = await surfer.visit(app);
  await signUp(laptop, name);
  await laptop.goto("/devices");
  expect(await listed(laptop)).toEqual(["Chrome on Linux"]);
  const phone = await surfer.visit(app, { userAgent });
  await signIn(phone, name);
  return { laptop, phone };
}

/** The names in the list of devices, as it shows now. */
function listed(page: Page): Promise<string[]> {
  return page.locator(".device-name").evaluateAll((names) => names.map((name) => name.firstChild?.textContent ?? ""));
}
