import { beforeEach, describe, expect, test } from "vitest";
import { makeApp, messages, password, sessionCookieLine, type TestApp, Visitor } from "./visitor.ts";

describe.each(["cookie", "sqlite"])("with sessions in %s,", (sessions) => {
  let app: TestApp;
  let ada: Visitor;
  beforeEach(async () => {
    app = await makeApp(sessions);
    ada = new Visitor(app);
  });

  describe("signing in", () => {
    beforeEach(async () => {
      await ada.signUp("Ada");
      await ada.post("/sign-out");
      await ada.get("/");
    });

    test("needs the password, takes the name in any case, and leads home", async () => {
      const answer = await ada.post("/sign-in", { username: "ada", password });
      expect([answer.status, answer.location]).toEqual([303, "/"]);
      expect((await ada.get("/")).text).toMatch(/Logged in as <span class="name">Ada</);
    });

    test("answers an unknown name exactly as a wrong password", async () => {
      const wrong = await ada.post("/sign-in", { username: "Ada", password: "wrong wrong wrong" });
      const unknown = await ada.post("/sign-in", { username: "Eve", password: "wrong wrong wrong" });
      expect(wrong.status).toBe(422);
      expect(unknown.status).toBe(422);
      expect(unknown.text.replaceAll("Eve", "Ada")).toBe(wrong.text);
      expect(messages(wrong.text)).toEqual([
        "That name and password don’t belong together. Check both, and try again.",
      ]);
    });

    test.each([
      ["/settings", "/settings"],
      ["//evil.example", "/"],
      ["https://evil.example/", "/"],
      ["/\\evil.example", "/"],
    ])("with next=%s leads to %s", async (next, location) => {
      const page = await ada.get(`/sign-in?next=${encodeURIComponent(next)}`);
      expect(page.text).toContain(`name="next" value="${location}"`);
      expect((await ada.post("/sign-in", { username: "ada", password, next })).location).toBe(location);
    });

    test("stays in the browser only when it was asked to", async () => {
      const other = new Visitor(app);
      const brief = await ada.post("/sign-in", { username: "ada", password });
      const kept = await other.post("/sign-in", { username: "ada", password, keep: "on" });
      expect(sessionCookieLine(brief)).not.toMatch(/max-age|expires/i);
      expect(sessionCookieLine(kept)).toMatch(/max-age=\d{7}/i);
    });

    test("gives a new cookie, and the old one opens nothing", async () => {
      await ada.post("/session/set", { key: "colour", value: "amber" });
      const before = ada.cookie;
      await ada.post("/sign-in", { username: "ada", password });
      const thief = new Visitor(app);
      thief.cookie = before;
      const { text } = await thief.get("/session");
      expect(text).not.toContain("amber");
    });

    test("ends with signing out, for the cookie's copies too", async () => {
      await ada.post("/sign-in", { username: "ada", password });
      const thief = new Visitor(app);
      thief.cookie = ada.cookie;
      await ada.post("/sign-out");
      expect((await thief.get("/")).text).not.toContain("Logged in");
    });

    test("can't be undone by a link", async () => {
      await ada.post("/sign-in", { username: "ada", password });
      expect((await ada.get("/sign-out")).status).toBe(404);
      expect((await ada.get("/")).text).toContain("Logged in as");
    });
  });

  describe("signing up", () => {
    test("says what is wrong with name and password, beside each, and keeps the name", async () => {
      const { status, text } = await ada.post("/sign-up", { username: "a b", password: "short" });
      expect(status).toBe(422);
      expect(text).toContain('value="a b"');
      expect(text).toMatch(/id="username"[^>]*aria-invalid="true" aria-describedby="username-problem"/);
      expect(text).toMatch(/id="password"[^>]*aria-invalid="true" aria-describedby="password-problem"/);
      expect(text).not.toContain("short");
    });

    test("with a name that is taken says so, and signs nobody in", async () => {
      await new Visitor(app).signUp("ada");
      const { status, text, headers } = await ada.post("/sign-up", { username: "ADA", password });
      expect(status).toBe(422);
      expect(text).toContain("This name is taken.");
      expect(headers.getSetCookie()).toEqual([]);
    });

    test("does not say so for a form that would not have worked", async () => {
      await new Visitor(app).signUp("ada");
      expect((await ada.post("/sign-up", { username: "ada", password: "short" })).text).not.toContain("taken");
    });
  });

  describe("a session that ended", () => {
    beforeEach(() => ada.signUp("ada"));

    test("by idleness asks for a sign-in, and says that it ended", async () => {
      app.pass(1_799);
      expect((await ada.get("/")).text).toContain("Logged in as");
      app.pass(1_801);
      const { status, location } = await ada.get("/settings");
      expect([status, location]).toEqual([303, "/sign-in?ended=gone&next=%2Fsettings"]);
      expect(messages((await ada.get(location ?? "")).text)[0]).toMatch(/^Your session has ended/);
    });

    test("at its limit, however much it was used", async () => {
      for (let passed = 0; passed < 43_200; passed += 1_200) {
        expect((await ada.get("/")).text, `after ${passed} s`).toContain("Logged in as");
        app.pass(1_200);
      }
      expect((await ada.get("/")).text).not.toContain("Logged in");
    });

    test.each([
      ["ended=idle", "You were signed out after 30 minutes of inactivity. Sign in to go on where you were."],
      ["ended=idle&kept=1", "You were signed out after 31 days of inactivity. Sign in to go on where you were."],
      ["ended=limit", "You were signed out: a sign-in lasts 12 hours at most. Sign in to go on where you were."],
    ])("is explained: %s", async (query, text) => {
      app.pass(43_201);
      expect(messages((await ada.get(`/sign-in?${query}`)).text)).toEqual([text]);
    });

    test("in one tab but not in another leads back to where the tab was", async () => {
      const { status, location } = await ada.get("/sign-in?ended=idle&next=%2Fsession");
      expect([status, location]).toEqual([303, "/session"]);
    });

    test("is counted down from the server's clock", async () => {
      const { text } = await ada.get("/session");
      const now = Date.UTC(2026, 0, 5, 12);
      expect(text).toContain(
        `data-now="${now}" data-idle-ends-at="${now + 1_800_000}" data-ends-at="${now + 43_200_000}"`,
      );
      expect(text).toMatch(/data-countdown="idle">30 min 0 s</);
      expect(text).toMatch(/data-countdown="limit">12 h 0 min</);
    });
  });

  describe("settings", () => {
    beforeEach(() => ada.signUp("ada"));

    test("ask nobody again within ten minutes of the sign-in", async () => {
      app.pass(600);
      expect((await ada.get("/settings")).status).toBe(200);
    });

    test("ask for the password again after that, and let in who has it", async () => {
      app.pass(601);
      expect((await ada.get("/settings")).location).toBe("/confirm?next=%2Fsettings");
      expect((await ada.post("/confirm", { password: "wrong wrong wrong", next: "/settings" })).status).toBe(422);
      expect((await ada.get("/settings")).status).toBe(303);
      expect((await ada.post("/confirm", { password, next: "/settings" })).location).toBe("/settings");
      expect((await ada.get("/settings")).status).toBe(200);
    });

    test("keep the session permanent, or not, through that", async () => {
      const kept = new Visitor(app);
      await kept.post("/sign-in", { username: "ada", password, keep: "on" });
      app.pass(601);
      const confirmed = await kept.post("/confirm", { password, next: "/settings" });
      expect(confirmed.headers.get("set-cookie")).toMatch(/max-age/i);
      expect((await ada.post("/confirm", { password })).headers.get("set-cookie")).not.toMatch(/max-age/i);
    });

    test("change nothing for a sign-in that is too old", async () => {
      app.pass(601);
      const { location } = await ada.post("/settings/password", { password: "another long password" });
      expect(location).toBe("/confirm?next=%2Fsettings");
      const other = new Visitor(app);
      expect((await other.post("/sign-in", { username: "ada", password })).status).toBe(303);
    });

    test("change the password: the new one opens the account, the old one does not", async () => {
      await ada.get("/");
      await ada.post("/settings/password", { password: "another long password" });
      expect(messages((await ada.get("/settings")).text)).toEqual([
        "Your password is changed. Other devices are signed out.",
      ]);
      const other = new Visitor(app);
      expect((await other.post("/sign-in", { username: "ada", password })).status).toBe(422);
      expect((await other.post("/sign-in", { username: "ada", password: "another long password" })).status).toBe(303);
    });

    test("change the password: other devices are signed out, this one stays", async () => {
      const other = new Visitor(app);
      await other.post("/sign-in", { username: "ada", password, keep: "on" });
      expect((await other.get("/")).text).toContain("Logged in as");
      const copy = new Visitor(app);
      copy.cookie = ada.cookie;
      await ada.post("/settings/password", { password: "another long password" });
      expect((await other.get("/")).text).not.toContain("Logged in");
      expect((await copy.get("/")).text).not.toContain("Logged in");
      expect((await ada.get("/")).text).toContain("Logged in as");
    });

    test("are for who is signed in", async () => {
      const stranger = new Visitor(app);
      for (const path of ["/settings", "/confirm"]) {
        expect((await stranger.get(path)).location).toBe("/sign-in?next=%2Fsettings");
      }
      expect((await stranger.post("/settings/password", { password })).location).toBe("/sign-in?next=%2Fsettings");
    });
  });

  test("a session of an account that is gone is ended", async () => {
    await ada.signUp("ada");
    app.removeAccounts();
    const { text, headers } = await ada.get("/");
    expect(text).not.toContain("Logged in");
    expect(headers.get("set-cookie")).toMatch(/max-age=0/i);
  });
});
