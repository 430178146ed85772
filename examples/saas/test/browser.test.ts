import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { openProfile, profileFolder, type Server } from "../../../test/support/services/index.ts";
import { cookieBytes, fill, flashes, heading, Surfer, shownBytes, signUp, slow } from "./browser.ts";
import { startApp } from "./server.ts";
import { password } from "./visitor.ts";

describeWith("chromium")("in a browser", () => {
  const surfer = new Surfer();
  /** With the app's own default, SQLite, and with sessions sealed in the cookie. */
  let app: Server;
  let sealed: Server;

  beforeAll(async () => {
    [app, sealed] = await Promise.all([startApp(), startApp({ SESSIONS: "cookie" })]);
  });

  afterAll(async () => {
    await app?.stop();
    await sealed?.stop();
  });

  test.each([
    ["SQLite", () => app],
    ["the cookie", () => sealed],
  ])("a person signs up, keeps things in %s, sees messages, and signs out", async (_, home) => {
    const page = await surfer.visit(home());
    await expect.poll(() => page.textContent("h1"), slow).toContain("Sessions that last");
    expect(await page.context().cookies()).toEqual([]);

    await page.click("text=Create an account");
    await fill(page, { Name: "Ada", Password: password });
    await page.click("main >> text=Create account");
    expect(await heading(page)).toBe("Logged in as Ada");
    expect(await flashes(page)).toEqual(["Welcome, Ada. Your account is ready."]);

    await page.click("nav >> text=Session");
    expect(await flashes(page)).toEqual([]);
    await fill(page, { Key: "colour", Value: "amber" });
    await page.click("button:text-is('Set')");
    expect(await page.textContent("table")).toContain('colour"amber"');
    await page.click("button:text-is('Pop')");
    expect(await flashes(page)).toEqual(['Popped colour: it was "amber".']);
    expect(await page.isVisible("text=Nothing yet")).toBe(true);

    await page.click("text=Sign out");
    expect(await flashes(page)).toEqual(["You are signed out."]);
    expect(await heading(page)).toContain("Sessions that last");
    await page.reload();
    expect(await flashes(page)).toEqual([]);

    await page.goto("/settings");
    expect(await heading(page)).toBe("Sign in");
    await fill(page, { Name: "ada", Password: "a wrong password" });
    await page.click("main >> button:text-is('Sign in')");
    expect(await page.textContent("[role=alert]")).toContain("don’t belong together");
    await fill(page, { Password: password });
    await page.click("main >> button:text-is('Sign in')");
    expect(await heading(page)).toBe("Settings");
    await fill(page, { "New password": "an even longer password" });
    await page.click("text=Change password");
    expect(await flashes(page)).toEqual(["Your password is changed. Other devices are signed out."]);
  });

  test("the cookie is out of scripts' reach, of this site alone, and gone with the browser", async () => {
    const page = await surfer.visit(app);
    await signUp(page, "cookie");
    const [cookie, device, ...others] = (await page.context().cookies()).toSorted((a, b) => (a.name < b.name ? 1 : -1));
    expect(others).toEqual([]);
    // Without Secure and its prefix, since this is plain http on the machine itself.
    expect(cookie).toMatchObject({
      name: "session",
      domain: "localhost",
      path: "/",
      httpOnly: true,
      sameSite: "Lax",
      secure: false,
      expires: -1,
    });
    // By it the app knows this browser again, so that somebody else's wrong passwords don't keep its user out.
    expect(device).toMatchObject({
      name: "__Host-device",
      path: "/",
      httpOnly: true,
      sameSite: "Strict",
      secure: true,
    });
    expect(await page.evaluate(() => document.cookie)).toBe("");
  });

  test("the session page weighs the cookie that the browser has", async () => {
    const page = await surfer.visit(sealed);
    await page.goto("/session");
    expect(await page.textContent("[data-cookie-bytes]")).toBe("0");
    await fill(page, { Key: "note", Value: "x".repeat(500) });
    await page.click("button:text-is('Set')");
    await expect.poll(() => shownBytes(page), slow).toBe(await cookieBytes(page));
    const withNote = await shownBytes(page);
    expect(withNote).toBeGreaterThan(700);
    // Popping leaves a message that the page then takes out of the cookie: what is shown is what is left.
    await page.click("button:text-is('Pop')");
    await expect.poll(() => shownBytes(page), slow).toBe(await cookieBytes(page));
    expect(await shownBytes(page)).toBeLessThan(withNote - 600);
  });

  test("a flash shows once, also in the browser's second tab", async () => {
    const page = await surfer.visit(app);
    await page.goto("/session");
    await fill(page, { Message: "Only once" });
    await page.check("text=warning");
    await page.click("button:text-is('Flash')");
    expect(await flashes(page)).toEqual(["Only once"]);
    expect(await page.getAttribute("[data-flash]", "role")).toBe("status");
    const second = await page.context().newPage();
    await second.goto("/session");
    expect(await flashes(second)).toEqual([]);
  });

  test("Back after signing out shows nothing of the person", async () => {
    const page = await surfer.visit(app);
    await signUp(page, "back");
    await page.click("nav >> text=Session");
    await page.click("text=Sign out");
    expect(await flashes(page)).toEqual(["You are signed out."]);
    await page.evaluate(() => history.back());
    await page.waitForURL("**/session");
    await expect.poll(() => page.isVisible("text=Sign out"), slow).toBe(false);
  });

  test("a form of another site is refused, and the person stays signed in", async () => {
    const page = await surfer.visit(app);
    await signUp(page, "target");
    const evil = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(`<form method="post" action="${app.url}/sign-out"><button>Win a prize</button></form>`);
    }).listen(0, "127.0.0.1");
    try {
      await once(evil, "listening");
      const address = evil.address();
      if (address === null || typeof address === "string") throw new Error("no port");
      // Another site for the browser: 127.0.0.1 is not localhost.
      await page.goto(`http://127.0.0.1:${address.port}/`);
      const [response] = await Promise.all([page.waitForNavigation(), page.click("button")]);
      expect(response?.status()).toBe(403);
      expect(await heading(page)).toBe("This came from another site");
      // Another origin of the same site: its requests do carry the cookie, and are refused all the same.
      await page.goto(`http://localhost:${address.port}/`);
      const [again] = await Promise.all([page.waitForNavigation(), page.click("button")]);
      expect(again?.status()).toBe(403);
      await page.goto(`${app.url}/`);
      expect(await heading(page)).toBe("Logged in as target");
    } finally {
      evil.closeAllConnections();
      evil.close();
    }
  });

  test("the whole story works with the keyboard", async () => {
    const page = await surfer.visit(app);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
    await page.goto("/sign-up");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("username");
    await page.keyboard.type("keyboard");
    await page.keyboard.press("Tab");
    await page.keyboard.type(password);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    expect(await page.inputValue("#password")).toBe(password);
    expect(await page.getAttribute("#password", "type")).toBe("text");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/");
    expect(await heading(page)).toBe("Logged in as keyboard");
  });

  test("without scripts, everything but the countdown works", async () => {
    const page = await surfer.visit(app, { javaScriptEnabled: false });
    await signUp(page, "no-script");
    await page.goto("/session");
    await page.getByLabel("Key").fill("colour");
    await page.getByLabel("Value").fill("amber");
    await page.click("button:text-is('Set')");
    expect(await page.textContent("table")).toContain('colour"amber"');
    expect(await page.isVisible("button:text-is('Show')")).toBe(false);
  });

  test("whoever is quiet for too long is signed out, is told why, and goes on where they were", async () => {
    await using quick = await startApp({ SESSION_IDLE: "9s" });
    const page = await surfer.visit(quick);
    await signUp(page, "idle");
    await page.goto("/session");
    // A warning comes before, with time to stay.
    await page.waitForSelector("text=will be signed out soon");
    await page.click("text=Stay signed in");
    await expect.poll(() => page.isVisible("text=will be signed out soon"), slow).toBe(false);
    expect(new URL(page.url()).pathname).toBe("/session");
    await page.waitForURL("**/sign-in?*", slow);
    const notice = await page.textContent("main [role=status]");
    expect(notice).toBe("You were signed out after 9 seconds of inactivity. Sign in to go on where you were.");
    await fill(page, { Name: "idle", Password: password });
    await page.click("main >> button:text-is('Sign in')");
    expect(await heading(page)).toBe("Your session");
  });

  test("idleness ends the session on the server, whatever the browser keeps", async () => {
    await using quick = await startApp({ SESSION_IDLE: "2s" });
    const page = await surfer.visit(quick, { javaScriptEnabled: false });
    await signUp(page, "idle");
    await sleep(2_200);
    expect((await page.context().cookies()).map(({ name }) => name)).toContain("session");
    await page.goto("/settings");
    expect(await page.textContent("main [role=status]")).toMatch(/^Your session has ended/);
  });

  test("a tab that is used keeps the others signed in", async () => {
    await using quick = await startApp({ SESSION_IDLE: "6s" });
    const quiet = await surfer.visit(quick);
    await signUp(quiet, "tabs");
    const busy = await quiet.context().newPage();
    for (let n = 0; n < 4; n += 1) {
      await busy.goto("/session");
      await sleep(2_000);
    }
    expect(new URL(quiet.url()).pathname).toBe("/");
    await quiet.reload();
    expect(await heading(quiet)).toBe("Logged in as tabs");
  });

  test("the sign-in ends at its limit, however busy the person is", async () => {
    await using quick = await startApp({ SESSION_IDLE: "8s", SESSION_ABSOLUTE: "10s" });
    const page = await surfer.visit(quick);
    await signUp(page, "limit");
    await sleep(3_000);
    await page.goto("/session");
    await page.waitForURL("**/sign-in?*", slow);
    expect(await page.textContent("main [role=status]")).toMatch(/a sign-in lasts 10 seconds at most/);
  });

  test("the settings ask for the password again when the sign-in is too old", async () => {
    await using quick = await startApp({ SESSION_FRESH: "5s" });
    const page = await surfer.visit(quick);
    await signUp(page, "fresh");
    await page.click("nav >> text=Settings");
    expect(await heading(page)).toBe("Settings");
    await sleep(5_100);
    await page.reload();
    expect(await heading(page)).toBe("Confirm it’s you");
    await fill(page, { Password: password });
    await page.click("text=Go on");
    expect(await heading(page)).toBe("Settings");
  });

  test("who asked to be kept signed in still is after the browser was closed; who did not, is not", async () => {
    for (const keep of [true, false]) {
      const folder = profileFolder();
      const first = await openProfile(folder);
      const page = await first.newPage();
      await page.goto(`${app.url}/`);
      await signUp(page, keep ? "keeper" : "leaver", app.url);
      await page.click("text=Sign out");
      await page.goto(`${app.url}/sign-in`);
      await fill(page, { Name: keep ? "keeper" : "leaver", Password: password });
      if (keep) await page.check("text=Keep me signed in");
      await page.click("main >> button:text-is('Sign in')");
      expect(await heading(page)).toContain("Logged in as");
      await first.close();

      const second = await openProfile(folder);
      const again = await second.newPage();
      await again.goto(`${app.url}/`);
      const words = await heading(again);
      await second.close();
      expect(words.includes("Logged in as"), `keep: ${keep}`).toBe(keep);
    }
  });
});
