import { beforeEach, describe, expect, test } from "vitest";
import { devices, makeApp, messages, password, type TestApp, Visitor } from "./visitor.ts";

const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/1 Safari/605.1";

describe.each(["cookie", "sqlite"])("with sessions in %s,", (sessions) => {
  let app: TestApp;
  let ada: Visitor;
  beforeEach(async () => {
    app = await makeApp(sessions);
    ada = new Visitor(app);
  });

  describe("a visitor", () => {
    test("who keeps nothing gets no cookie on any page", async () => {
      for (const path of ["/", "/session", "/sign-in", "/sign-up", "/nowhere", "/settings"]) {
        expect((await ada.get(path)).headers.getSetCookie(), path).toEqual([]);
      }
    });

    test("keeps what was set before signing in, and loses it with signing out", async () => {
      await ada.post("/session/set", { key: "colour", value: "amber" });
      await ada.signUp("ada");
      expect((await ada.get("/session")).text).toContain("&quot;amber&quot;");
      await ada.post("/sign-out");
      expect((await ada.get("/session")).text).not.toContain("amber");
    });

    test.each(["__proto__", "constructor", "<b>bold</b>", 'a "quoted" key', "ключ"])(
      "may call a key %s",
      async (key) => {
        await ada.post("/session/set", { key, value: "<script>" });
        const { text } = await ada.get("/session");
        expect(text).not.toContain("<script>&quot;");
        expect(text).toContain("&quot;&lt;script&gt;&quot;");
        expect((await ada.post("/session/pop", { key })).status).toBe(303);
        expect(messages((await ada.get("/session")).text)[0]).toContain("Popped");
        expect((await ada.get("/session")).text).toContain("Nothing yet");
      },
    );

    test("counts up", async () => {
      for (let n = 0; n < 3; n += 1) await ada.post("/session/count");
      expect((await ada.get("/session")).text).toContain("<code>3</code>");
    });

    test("clears all values, and stays signed in", async () => {
      await ada.signUp("ada");
      await ada.post("/session/set", { key: "colour", value: "amber" });
      await ada.post("/session/clear");
      const { text } = await ada.get("/session");
      expect(text).toContain("Nothing yet");
      expect(text).toContain("Sign out");
    });
  });

  describe("flash messages", () => {
    test("show once, in their category", async () => {
      await ada.post("/session/flash", { message: "Mind the <step>", category: "warning" });
      const first = await ada.get("/session");
      expect(messages(first.text)).toEqual(["Mind the &lt;step&gt;"]);
      expect(first.text).toContain('data-flash="warning"');
      expect(messages((await ada.get("/session")).text)).toEqual([]);
    });

    test("of an error are alerts, so that a screen reader interrupts", async () => {
      await ada.post("/session/flash", { message: "No", category: "error" });
      expect((await ada.get("/session")).text).toMatch(/<div class="flash flash-error" role="alert"/);
    });

    test("wait while the page is only fetched ahead", async () => {
      await ada.post("/session/flash", { message: "Hello", category: "info" });
      await ada.get("/session", { "sec-purpose": "prefetch" });
      expect(messages((await ada.get("/session")).text)).toEqual(["Hello"]);
    });
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

    test.each(["Ada", "Eve"])("refuses the eleventh try for %s, even with the right password", async (username) => {
      for (let n = 0; n < 10; n += 1) await ada.post("/sign-in", { username, password: "wrong wrong wrong" });
      const answer = await ada.post("/sign-in", { username, password });
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(800);
      expect(messages(answer.text)).toEqual(["Too many tries. Wait 15 minutes, then try again."]);
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
      expect(brief.headers.get("set-cookie")).not.toMatch(/max-age|expires/i);
      expect(kept.headers.get("set-cookie")).toMatch(/max-age=\d{7}/i);
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

  describe("any answer", () => {
    test("allows no inline script or style, and is in nobody's frame", async () => {
      const { headers, text } = await ada.get("/");
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(text).not.toMatch(/<script(?! type="module" src=)|<style|\sstyle=|\son\w+=/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    });

    test("to another site's form is a refusal, before anything happens", async () => {
      await ada.signUp("ada");
      const answer = await ada.post("/sign-out", {}, { "sec-fetch-site": "cross-site" });
      expect(answer.status).toBe(403);
      expect(answer.text).toContain("This came from another site");
      expect((await ada.get("/")).text).toContain("Logged in as");
    });

    test("that signs in or out is kept by no cache", async () => {
      await ada.signUp("ada");
      expect((await ada.get("/")).headers.get("cache-control")).toMatch(/private/);
      expect((await ada.post("/sign-out")).headers.get("cache-control")).toMatch(/no-store/);
    });

    test("to a form as long as a book is a refusal", async () => {
      expect((await ada.post("/session/set", { key: "k", value: "x".repeat(70_000) })).status).toBe(413);
    });

    test("of a static file may be kept for ever, has no cookie, and changes its address with its content", async () => {
      await ada.signUp("ada");
      const [, path = ""] = /href="(\/assets\/[\w-]+\/app\.css)"/.exec((await ada.get("/")).text) ?? [];
      const file = await ada.get(path);
      expect(file.headers.get("content-type")).toBe("text/css; charset=utf-8");
      expect(file.headers.get("cache-control")).toContain("immutable");
      expect(file.headers.get("vary")).toBeNull();
      expect((await ada.get("/assets/another/app.css")).status).toBe(404);
    });
  });

  describe("devices", () => {
    let phone: Visitor;
    beforeEach(async () => {
      await ada.signUp("ada");
      phone = new Visitor(app, "192.0.2.2");
      phone.userAgent = iPhone;
      app.pass(60);
      await phone.post("/sign-in", { username: "ada", password });
    });

    test("are all signed out but this one, which goes on", async () => {
      await ada.post("/devices/sign-out-others");
      expect((await phone.get("/")).text).not.toContain("Logged in");
      expect((await ada.get("/devices")).text).toContain("All other devices are signed out.");
    });

    test("that were signed out can be signed in again", async () => {
      await ada.post("/devices/sign-out-others");
      // A sealed cookie that was ended sets no other one for half a minute.
      if (sessions === "cookie") app.pass(31);
      await phone.get("/");
      await phone.post("/sign-in", { username: "ada", password });
      expect((await phone.get("/")).text).toContain("Logged in as");
    });

    test("are for who is signed in", async () => {
      const stranger = new Visitor(app);
      expect((await stranger.get("/devices")).location).toBe("/sign-in?next=%2Fdevices");
      expect((await stranger.post("/devices/sign-out-others")).location).toBe("/sign-in?next=%2Fdevices");
      expect((await stranger.get("/live")).status).toBe(204);
    });

    test("where there is no list of them, the page says so", async () => {
      const { text } = await ada.get("/devices");
      expect(text.includes("there is no list of them")).toBe(sessions === "cookie");
      expect(text).toContain("Sign out all other devices");
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

describe("a cookie that can't hold what is kept", () => {
  let app: TestApp;
  let ada: Visitor;
  beforeEach(async () => {
    app = await makeApp("cookie");
    ada = new Visitor(app);
  });

  test("is told of, and the session stays as it was", async () => {
    await ada.post("/session/set", { key: "small", value: "1" });
    const cookie = ada.cookie;
    const answer = await ada.post("/session/set", { key: "big", value: "x".repeat(4_000) });
    expect(answer.status).toBe(413);
    expect(answer.text).toMatch(/Nothing was changed: the session cookie is \d+ bytes .* big \(4002\)/);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(ada.cookie).toBe(cookie);
  });

  test("is answered with the same headers as all else", async () => {
    const { headers } = await ada.post("/session/set", { key: "big", value: "x".repeat(4_000) });
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("content-type")).toMatch(/^text\/html/);
  });
});

describe("the list of devices", () => {
  let app: TestApp;
  let ada: Visitor;
  let phone: Visitor;
  beforeEach(async () => {
    app = await makeApp("sqlite");
    ada = new Visitor(app);
    await ada.signUp("ada");
    phone = new Visitor(app, "192.0.2.2");
    phone.userAgent = iPhone;
    app.pass(60);
    await phone.post("/sign-in", { username: "ada", password });
  });

  test("has this one first, with when they came and were last seen", async () => {
    app.pass(120);
    expect(devices((await ada.get("/devices")).text)).toEqual([
      "A device without a name This device Signed in 3 minutes ago, last seen 3 minutes ago",
      "Safari on iPhone Signed in 2 minutes ago, last seen 2 minutes ago",
    ]);
    expect(devices((await phone.get("/devices")).text)[0]).toMatch(/^Safari on iPhone This device/);
  });

  test("signs out one by one", async () => {
    const { text } = await ada.get("/devices");
    const [, id = ""] = /name="id" value="([^"]+)"/.exec(text) ?? [];
    await ada.post("/devices/sign-out", { id });
    expect((await phone.get("/")).text).not.toContain("Logged in");
    const after = await ada.get("/devices");
    expect(messages(after.text)).toContain("Safari on iPhone is signed out.");
    expect(devices(after.text)).toHaveLength(1);
  });

  test("of another person is out of reach, also for one who knows an id", async () => {
    const eve = new Visitor(app, "192.0.2.3");
    await eve.signUp("eve");
    const [, id = ""] = /name="id" value="([^"]+)"/.exec((await ada.get("/devices")).text) ?? [];
    expect(id).not.toBe("");
    await eve.post("/devices/sign-out", { id });
    expect((await phone.get("/")).text).toContain("Logged in as");
  });
});
