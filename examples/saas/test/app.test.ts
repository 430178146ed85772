import { SessionError } from "flagon";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeApp, messages, type TestApp, Visitor } from "./visitor.ts";

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

    test("is no fault of the server, on whatever route, signed in or not, fresh or not", async () => {
      const routes = app.app.routes.filter(({ method, path }) => method !== "ALL" && !/[*:]|live/.test(path));
      expect(routes.length).toBeGreaterThan(15);
      for (const signedIn of [false, true]) {
        for (const { method, path } of routes) {
          for (const seconds of [0, 700]) {
            app = await makeApp(sessions);
            const visitor = new Visitor(app);
            if (signedIn) await visitor.signUp("ada");
            app.pass(seconds);
            const { status } = method === "GET" ? await visitor.get(path) : await visitor.post(path);
            expect(status, `${method} ${path}`).toBeLessThan(500);
          }
        }
      }
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

    test("to more than a session should hold is a refusal, and nothing more is kept", async () => {
      expect((await ada.post("/session/set", { key: "long", value: "x".repeat(4_001) })).status).toBe(422);
      for (let index = 0; index < 50; index++) await ada.post("/session/set", { key: `key ${index}`, value: "1" });
      expect((await ada.post("/session/set", { key: "one more", value: "1" })).status).toBe(422);
      expect((await ada.post("/session/set", { key: "key 1", value: "2" })).status).toBe(303);
      const { text } = await ada.get("/session");
      expect([text.includes("xxxx"), text.includes("one more"), text.includes("key 49")]).toEqual([false, false, true]);
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
    expect(answer.text).toContain("<h1>Your session is full</h1>");
    expect(answer.text).toMatch(
      /Nothing was changed: the session cookie is \d+ bytes .* big \(4002\), .*\. Take something out/,
    );
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(ada.cookie).toBe(cookie);
  });

  test("can be emptied again, value by value, whatever the values are", async () => {
    await ada.post("/session/set", { key: "quotes", value: '"\\'.repeat(650) });
    expect((await ada.post("/session/set", { key: "more", value: "x".repeat(1_000) })).status).toBe(413);
    expect((await ada.post("/session/pop", { key: "quotes" })).status).toBe(303);
    expect(messages((await ada.get("/session")).text)[0]).toMatch(/^Popped quotes: it was .{0,500}…\.$/);
    expect((await ada.get("/session")).text).toContain("Nothing yet");
  });

  test("is answered with the same headers as all else", async () => {
    const { headers } = await ada.post("/session/set", { key: "big", value: "x".repeat(4_000) });
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(headers.get("content-type")).toMatch(/^text\/html/);
  });
});

describe("what fails about a session", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("a row that is full is the visitor's to empty, and the session stays as it was", async () => {
    const app = await makeApp("sqlite");
    app.app.post("/fill", (c) => {
      c.get("session").set("big", "x".repeat(2_000_000));
      return c.redirect("/session", 303);
    });
    const log = vi.spyOn(console, "error");
    const ada = new Visitor(app);
    await ada.signUp("ada");
    await ada.post("/session/set", { key: "colour", value: "amber" });
    const answer = await ada.post("/fill");
    expect(answer.status).toBe(413);
    expect(answer.headers.get("retry-after")).toBeNull();
    expect(answer.text).toContain("<h1>Your session is full</h1>");
    expect(answer.text).toMatch(
      /Nothing was changed: the session is \d+ bytes .* big \(2000002\), .*\. Take something out/,
    );
    expect(log).not.toHaveBeenCalled();
    expect((await ada.get("/session")).text).toContain("amber");
  });

  test.each([
    ["store_unavailable", 503, "We can’t reach your session", true],
    ["store_timeout", 503, "We can’t reach your session", true],
    ["store_corrupt", 503, "We can’t read your session", true],
    ["session_conflict", 503, "That was too much at once", true],
    ["session_too_large", 413, "Your session is full", false],
    ["cookie_too_large", 413, "Your session is full", false],
    ["cross_site_request", 403, "This came from another site", false],
  ] as const)("%s is a %d with words of its own", async (code, status, title, isOurs) => {
    const app = await makeApp("sqlite");
    app.app.get("/fail", () => {
      throw new SessionError(code, "details");
    });
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { headers, text, ...answer } = await new Visitor(app).get("/fail");
    expect(answer.status).toBe(status);
    expect(text).toContain(`<h1>${title}</h1>`);
    expect(headers.get("retry-after")).toBe(isOurs ? "5" : null);
    expect(log).toHaveBeenCalledTimes(isOurs ? 1 : 0);
  });
});
