import { beforeEach, describe, expect, test } from "vitest";
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
