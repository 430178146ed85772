import { createSessions } from "flagon";
import { flaskCodec, fromFlaskConfig } from "flagon/flask";
import { describe, expect, it, vi } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { anyRequest, bindFlask, newRecord, SECRET } from "./support.ts";

describe("flaskCodec refuses at construction", () => {
  it.each([
    ["an empty secret", { secretKey: "" }, "secretKey must be Flask's SECRET_KEY"],
    [
      "a secret that is no text or bytes",
      { secretKey: 5 as unknown as string },
      "secretKey must be Flask's SECRET_KEY",
    ],
    ["an empty fallback", { secretKey: SECRET, fallbacks: [""] }, "a fallback must be"],
    ["a digest that is not there", { secretKey: SECRET, digest: "sha0" }, 'no digest "sha0"'],
    ["a maxAge of none", { secretKey: SECRET, maxAge: 0 }, "maxAge must be a number of seconds"],
    ["a maxAge without end", { secretKey: SECRET, maxAge: Number.POSITIVE_INFINITY }, "maxAge must be"],
    ["another recipe", { secretKey: SECRET, login: { identifier: "0.5" as "0.6" } }, "login.identifier must be one of"],
    [
      "another protection",
      { secretKey: SECRET, login: { protection: "weak" as "basic" } },
      "login.protection must be one of",
    ],
    [
      "a remember cookie that breaks out",
      { secretKey: SECRET, login: { rememberCookie: { name: "a;b" } } },
      'cookie cannot be {"name":"a;b"',
    ],
  ])("%s", (_, options, words) => {
    expect(() => flaskCodec(options)).toThrow(TypeError);
    expect(() => flaskCodec(options)).toThrow(words);
  });

  it.each(["lifetime", "permanentLifetime", "app", "store"])("%s, which means nothing to it", (option) => {
    const value = { lifetime: { idle: "1h" }, permanentLifetime: { idle: "1h" }, app: "shop", store: memoryStore() }[
      option
    ];
    expect(() => createSessions({ codec: flaskCodec({ secretKey: SECRET }), [option]: value })).toThrow(TypeError);
  });
});

describe("a missing secret", () => {
  it("throws at the first use, so that builds without the environment pass", () => {
    const format = bindFlask(() => 1, { secretKey: undefined, fallbacks: [SECRET] });
    expect(() => format.open("a.b.c", "session", anyRequest)).toThrow("flaskCodec has no secretKey");
    expect(() => format.seal(newRecord({ data: { a: 1 } }), "session", anyRequest)).toThrow(
      "flaskCodec has no secretKey",
    );
  });
});

describe("a weak secret", () => {
  const warnings: { message: string; code: string }[] = [];
  vi.spyOn(process, "emitWarning").mockImplementation((message, options) => {
    warnings.push({ message: String(message), code: (options as { code: string }).code });
  });

  it.each([
    "dev",
    "secret",
    "super secret key",
    "you-will-never-guess",
    "my_secret_key",
    '_5#y2L"F4Q8z\n\xec]/',
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    new Uint8Array(32),
    "kR9#vTq2",
  ])("is a warning, not a refusal, without the secret in it: %s", async (secretKey) => {
    warnings.length = 0;
    vi.resetModules();
    const { flaskCodec } = await import("flagon/flask");
    flaskCodec({ secretKey });
    flaskCodec({ secretKey });
    expect(warnings).toEqual([
      { message: expect.stringContaining("can sign in as anybody"), code: "FLAGON_WEAK_FLASK_SECRET" },
    ]);
    if (typeof secretKey === "string" && secretKey.length > 6) expect(warnings[0]?.message).not.toContain(secretKey);
  });

  it.each([
    SECRET,
    "a1c9f4e07b3d52886d19",
    "Zt4$mQ!x82Lp@vK9",
    Uint8Array.from({ length: 16 }, (_, index) => index * 13),
  ])("is not one that was drawn at random: %s", async (secretKey) => {
    warnings.length = 0;
    vi.resetModules();
    const { flaskCodec } = await import("flagon/flask");
    flaskCodec({ secretKey });
    expect(warnings).toEqual([]);
  });
});

describe("fromFlaskConfig", () => {
  it("names the cookie as Flask does", () => {
    const { cookie } = fromFlaskConfig({
      SECRET_KEY: SECRET,
      SESSION_COOKIE_NAME: "shop",
      SESSION_COOKIE_DOMAIN: "shop.example",
      SESSION_COOKIE_PATH: "/app",
      SESSION_COOKIE_HTTPONLY: true,
      SESSION_COOKIE_SECURE: true,
      SESSION_COOKIE_SAMESITE: "Strict",
      SESSION_COOKIE_PARTITIONED: true,
    });
    expect(cookie).toEqual({
      name: "shop",
      domain: "shop.example",
      path: "/app",
      secure: true,
      sameSite: "strict",
      partitioned: true,
    });
  });

  it("leaves to Flagon what Flask's defaults leave out", () => {
    const config = {
      SECRET_KEY: SECRET,
      SESSION_COOKIE_DOMAIN: null,
      SESSION_COOKIE_PATH: null,
      SESSION_COOKIE_SAMESITE: null,
    };
    expect(fromFlaskConfig(config).cookie).toEqual({});
    expect(fromFlaskConfig({ ...config, APPLICATION_ROOT: "/shop" }).cookie).toEqual({ path: "/shop" });
    expect(fromFlaskConfig({ ...config, SESSION_COOKIE_SECURE: false }).cookie).toEqual({ secure: false });
  });

  it("refuses a cookie that scripts can read", () => {
    expect(() => fromFlaskConfig({ SECRET_KEY: SECRET, SESSION_COOKIE_HTTPONLY: false })).toThrow(TypeError);
  });

  it("makes sessions as it stands, with lifetime and refreshing as Flask has them", async () => {
    const now = 1_750_000_000_000;
    const options = fromFlaskConfig({
      SECRET_KEY: SECRET,
      SECRET_KEY_FALLBACKS: null,
      PERMANENT_SESSION_LIFETIME: 3_600,
      SESSION_REFRESH_EACH_REQUEST: false,
      SESSION_PROTECTION: null,
      REMEMBER_COOKIE_NAME: "stay",
    });
    const sessions = createSessions({ ...options, now: () => now });
    const session = await sessions.open(anyRequest);
    session.login("ada", { permanent: true });
    const lines = await sessions.commit(session);
    expect(lines[0]?.[1]).toMatch(/^session=[^;]+; Max-Age=360[01]; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });
});
