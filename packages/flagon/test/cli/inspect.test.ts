import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flaskCodec } from "flagon/flask";
import { memoryStore } from "flagon/memory";
import { afterAll, describe, expect, it, test } from "vitest";
import { cookie, flagon, inspected, MINUTE, NOW, OTHER_SECRET, SECRET } from "./terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "flagon-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filled = await cookie((session) => {
  session.set("cart", ["a", "b"]);
  session.set("seen", new Date(NOW));
  session.login(42);
  session.flash("Login successful!", "success");
});
const permanent = await cookie((session) => session.login("ada", { permanent: true }));
const shortLived = await cookie((session) => session.set("a", 1), { lifetime: { idle: "5m", absolute: "1h" } });
const ofTheShop = await cookie((session) => session.set("a", 1), { app: "shop" });
const ofAnotherSecret = await cookie((session) => session.set("a", 1), { secret: OTHER_SECRET });

const store = memoryStore({ now: () => NOW });
const inStore = await cookie((session) => session.login("ada"), { store });

const codec = flaskCodec({ secretKey: SECRET, login: false });
const flask = await cookie(
  (session) => {
    session.login("7", { permanent: true });
    session.set("theme", "dark");
  },
  { codec },
);

const evil = await cookie((session) => {
  session.set("a\x1b[2J", "\x1b]0;title\x07\u202e");
  session.flash("\x1b[31m\r✓ accepted", "\n");
  session.login("eve\x1b[1A");
});

const [, value = ""] = /=(.*)/.exec(filled) ?? [];

describe("a sealed cookie", () => {
  it("is shown with its age, its limits, the bytes of each key, its flashes and its user", async () => {
    const { code, out, err } = await flagon(["inspect", filled], { now: NOW + 12 * MINUTE });
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(out.replace(/[0-9a-f]{8}$/m, "KEY").replace(/(id {13})\S{27}/, "$1ID")).toBe(
      `✓ accepted  a session sealed in its cookie

  cookie         __Host-Http-session, ${filled.length - 1} of 4,096 bytes
  secret         KEY
  id             ID
  user           42, signed in 12 min ago (2026-03-01 12:30:00 UTC)
  began          12 min ago (2026-03-01 12:30:00 UTC)
  renewed        12 min ago (2026-03-01 12:30:00 UTC)
  lasts          until the browser closes
  idle limit     ends in 18 min (2026-03-01 13:00:00 UTC)
  absolute limit ends in 11 h 48 min (2026-03-02 00:30:00 UTC)

  data           2 keys, 43 bytes
                 seen  27  Date
                 cart  16  array of 2
  flashes        1 for the next page
                 success  Login successful!
`,
    );
  });

  it("shows values only where they are asked for", async () => {
    expect((await flagon(["inspect", filled])).out).not.toContain('["a","b"]');
    expect((await flagon(["inspect", "--values", filled])).out).toContain('["a","b"]');
    expect((await inspected([filled])).first.session).not.toHaveProperty("data");
    expect((await inspected(["--values", filled])).first.session?.data).toEqual({
      cart: ["a", "b"],
      seen: { "!d": NOW },
    });
  });

  it.each([
    ["a bare value", value],
    ["name=value", filled],
    ["a quoted value", `"${value}"`],
    ["a Cookie header", `Cookie: theme=dark; ${filled}; lang=en`],
    ["what a Cookie header holds", `theme=dark; ${filled}`],
    ["a Set-Cookie header", `set-cookie: ${filled}; Path=/; HttpOnly; Secure; SameSite=Lax`],
    ["what a Set-Cookie header holds", `${filled}; Path=/; HttpOnly; Secure; SameSite=Lax`],
    [
      "a response's head",
      `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: ${filled}; Path=/\r\n\r\n<p>a=b</p>`,
    ],
    ["curl -v", `> GET / HTTP/1.1\n> Cookie: ${filled}\n< HTTP/1.1 200 OK\n`],
  ])("is found in %s", async (_what, text) => {
    const { first, code } = await inspected([text]);
    expect(first).toMatchObject({
      name: "__Host-Http-session",
      format: "sealed",
      verdict: "accepted",
      bytes: filled.length - 1,
    });
    expect(code).toBe(0);
    const { first: read } = await inspected(["-"], { env: { SESSION_SECRET: SECRET }, input: `${text}\n` });
    expect(read).toEqual(first);
  });

  test.each<[string, { text: string; args?: string[]; at?: number; reason: string | null; why: RegExp }]>([
    ["past its idle limit", { text: filled, at: 31 * MINUTE, reason: "expired", why: /idle limit passed 1 min ago/ }],
    [
      "past its absolute limit",
      {
        text: filled,
        args: ["--idle", "12h"],
        at: 13 * 60 * MINUTE,
        reason: "expired",
        why: /absolute limit passed 1 h/,
      },
    ],
    ["that is permanent, a month on", { text: permanent, at: 30 * 1_440 * MINUTE, reason: null, why: /^$/ }],
    [
      "that is permanent, past the app's own limit",
      {
        text: permanent,
        args: ["--permanent-idle", "7d"],
        at: 8 * 1_440 * MINUTE,
        reason: "expired",
        why: /idle limit/,
      },
    ],
    [
      "within the app's own, longer limit",
      { text: filled, args: ["--idle=2h"], at: 90 * MINUTE, reason: null, why: /^$/ },
    ],
    [
      "past the app's own, shorter limit",
      { text: shortLived, args: ["--idle", "300", "--absolute", "1h"], at: 6 * MINUTE, reason: "expired", why: /idle/ },
    ],
    ["of a server whose clock is ahead", { text: filled, at: -10_000, reason: "from_the_future", why: /10 s ahead/ }],
    [
      "under another name",
      { text: `session=${value}`, reason: "forged", why: /sealed for the cookie __Host-Http-session/ },
    ],
    ["with a bit changed", { text: flipped(filled), reason: "forged", why: /changed on the way/ }],
    ["of another app", { text: ofTheShop, reason: "forged", why: /--app/ }],
    ["of this app", { text: ofTheShop, args: ["--app", "shop"], reason: null, why: /^$/ }],
    ["of another secret", { text: ofAnotherSecret, reason: "unknown_key", why: /another environment/ }],
    [
      "cut short",
      { text: `__Host-Http-session=${value.slice(0, 80)}`, reason: "malformed", why: /cut off: 80 characters/ },
    ],
    [
      "with a blank in it",
      {
        text: `__Host-Http-session=${value.slice(0, 120)} ${value.slice(120)}`,
        reason: "malformed",
        why: /" " at character 121/,
      },
    ],
    ["percent-encoded", { text: `__Host-Http-session=${value}%3D`, reason: "malformed", why: /percent-encoded/ }],
    ["that was deleted", { text: "__Host-Http-session=; Max-Age=0; Path=/", reason: "deleted", why: /forget/ }],
  ])("%s", async (_what, { text, args = [], at = 0, reason, why }) => {
    const { first, code } = await inspected([...args, text], { now: NOW + at });
    expect(first).toMatchObject({ reason, verdict: reason === null ? "accepted" : "refused" });
    expect(first.why).toMatch(why);
    expect(code).toBe(reason === null ? 0 : 1);
  });

  it("still shows what it held when it is too old", async () => {
    const { first } = await inspected([filled], { now: NOW + 400 * 1_440 * MINUTE });
    expect(first.reason).toBe("expired");
    expect(first.session).toMatchObject({
      userId: "42",
      flashes: [{ message: "Login successful!", category: "success" }],
    });
  });

  it("is asked for another moment with --at", async () => {
    expect((await inspected(["--at", "2026-03-01T13:01Z", filled])).first.reason).toBe("expired");
    expect((await flagon(["inspect", "--at", "soon", filled])).code).toBe(2);
  });

  it("says what can be known of it without the secret, and exits with 2", async () => {
    const { out, code } = await flagon(["inspect", filled], { env: {} });
    expect(out).toContain("? not checked");
    expect(out).toContain("sealed in the hour from 2026-03-01 12:00:00 UTC");
    expect(code).toBe(2);
  });
});

describe("the secret", () => {
  const file = join(folder, "secrets");
  writeFileSync(file, `${OTHER_SECRET}\n${SECRET}\n`);
  const envFile = join(folder, ".env");
  writeFileSync(envFile, `# app\nSESSION_SECRET="${SECRET}"\nOLD=${OTHER_SECRET}\n`);

  it.each([
    ["in SESSION_SECRET", [], { SESSION_SECRET: SECRET }, { index: 0, count: 1 }],
    ["in another variable", ["--secret-env", "A"], { A: SECRET }, { index: 0, count: 1 }],
    [
      "the older of two variables",
      ["--secret-env=A", "--secret-env=B"],
      { A: OTHER_SECRET, B: SECRET },
      { index: 1, count: 2 },
    ],
    ["in a file", ["--secret-file", file], { SESSION_SECRET: "unused" }, { index: 1, count: 2 }],
    ["in an .env file", ["--dotenv", envFile], {}, { index: 0, count: 1 }],
    [
      "in an .env file, by name",
      ["--dotenv", envFile, "--secret-env=OLD", "--secret-env=SESSION_SECRET"],
      {},
      { index: 1, count: 2 },
    ],
  ])("is found %s", async (_where, args, env, expected) => {
    const { first } = await inspected([...args, filled], { env });
    expect(first.verdict).toBe("accepted");
    expect(first.session?.secret).toMatchObject(expected);
  });

  it("is never shown, and never taken from the command line", async () => {
    for (const args of [[filled], ["--values", filled], ["--json", filled], [value.slice(0, 90)], ["--help"]]) {
      const { out, err } = await flagon(["inspect", ...args]);
      expect(out + err).not.toContain(SECRET);
    }
    const { err, code } = await flagon(["inspect", "--secret", SECRET, filled]);
    expect(code).toBe(2);
    expect(err).toContain("seen by others");
    expect(err).not.toContain(SECRET);
  });

  it("that is weak, missing or unreadable is said in one line, with exit code 2", async () => {
    const weak = await flagon(["inspect", filled], { env: { SESSION_SECRET: "short" } });
    expect(weak).toMatchObject({ code: 2, out: "" });
    expect(weak.err).toMatch(/^flagon: the session secret is no text of 32 bytes;[^\n]*\n$/);
    expect((await flagon(["inspect", "--secret-file", "/nowhere", filled])).err).toMatch(
      /^flagon: \/nowhere can't be read/,
    );
    expect((await flagon(["inspect", "--secret-env", "NONE", filled])).err).toBe("flagon: NONE is not set\n");
    expect((await flagon(["inspect", "--secret-file", "/dev/null", filled])).err).toBe(
      "flagon: /dev/null holds no secret\n",
    );
  });
});

describe("a store's cookie", () => {
  it("says that it is one, and names the session", async () => {
    const { first, code } = await inspected([inStore]);
    expect(first).toMatchObject({ name: "__Host-Http-session", format: "store", verdict: "genuine" });
    expect(first.why).toMatch(/names the session [\w-]{27}, and its MAC is good/);
    expect(code).toBe(0);
  });

  it.each([
    ["changed", () => flipped(inStore), {}, "forged"],
    ["under another name", () => inStore.replace("__Host-", ""), {}, "forged"],
    ["of another secret", () => inStore, { SESSION_SECRET: OTHER_SECRET }, "unknown_key"],
    ["cut short", () => inStore.slice(0, -4), {}, "malformed"],
  ])("%s is refused", async (_what, text, env, reason) => {
    const { first, code } = await inspected([text()], { env: { SESSION_SECRET: SECRET, ...env } });
    expect(first).toMatchObject({ verdict: "refused", reason, format: "store" });
    expect(code).toBe(1);
  });
});

describe("a Flask cookie", () => {
  it("is known at once, and shown", async () => {
    const { first, code } = await inspected([flask], { env: {} });
    expect(first).toMatchObject({ format: "flask", verdict: "refused", reason: "foreign" });
    expect(first.session).toMatchObject({ userId: "7", permanent: true, keys: { theme: 14 } });
    expect(code).toBe(1);
  });

  it("is checked with --flask", async () => {
    expect((await inspected(["--flask", flask])).first.verdict).toBe("accepted");
    expect((await inspected(["--flask", flask], { env: { SESSION_SECRET: OTHER_SECRET } })).first.reason).toBe(
      "forged",
    );
    expect((await inspected(["--flask", flask], { now: NOW + 32 * 1_440 * MINUTE })).first).toMatchObject({
      reason: "expired",
      why: expect.stringMatching(/limit passed/),
    });
    expect((await flagon(["inspect", "--flask", flask], { env: {} })).code).toBe(2);
  });
});

describe("another library's cookie", () => {
  const json = Buffer.from('{"user":1}').toString("base64");
  const mac = "mX0Vq3uS9m5yTf2c0QmBz6qHh7m1cWk2x3y4z5A6B7C";
  const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url");
  it.each([
    ["express-session", `connect.sid=s%3A1q2w3e4r5t6y7u8i9o0p.${mac.replace("m", "%2B")}`],
    ["express-session", `s:1q2w3e4r5t6y7u8i9o0p.${mac}`],
    ["iron-session", "session=Fe26.2*1*a1b2*c3d4*e5f6*1772368200000*0a*0b~2"],
    ["iron-session", "Fe26.2**a1b2*c3d4*e5f6**0a*0b"],
    ["cookie-session", `session=${json}; session.sig=abcdefghijklmnopqrstuvwxyz1`],
    ["cookie-session", `koa.sess=${json}`],
    ["secure-session", `session=${encodeURIComponent("q83vEjRWeJCrze8SNFZ4kKvN;AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")}`],
    ["secure-session", "q83vEjRWeJCrze8SNFZ4kKvN;AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"],
    ["jwt", `token=${header}.eyJzdWIiOiIxIn0.c2lnbmF0dXJl`],
    ["jwe", `${Buffer.from('{"alg":"dir","enc":"A256CBC-HS512"}').toString("base64url")}..a.b.c`],
    ["react-router", `__session=${encodeURIComponent(`${json}.${mac}`)}`],
    ["signed-id", `sessionId=Zk3v9Qm1Xy7Lp0Rt5Wb2Nc8Hd4Jf6Gs1.${mac}`],
  ])("is known: %s", async (format, text) => {
    const { first, code } = await inspected([text], { env: {} });
    expect(first).toMatchObject({ format, reason: "foreign" });
    expect(code).toBe(1);
  });

  it("that nobody knows is refused as unknown", async () => {
    expect((await inspected(["session=hello"])).first).toMatchObject({ format: "unknown", reason: "malformed" });
    expect((await flagon(["inspect", "a=b; c=d"])).err).toMatch(/none of these is a session cookie.*a, c/);
  });
});

describe("the screen", () => {
  it("shows what a visitor stored with its control characters spelled out", async () => {
    const { out } = await flagon(["inspect", "--values", evil]);
    expect(out).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    expect(out).toContain("\\u001b[31m\\u000d✓ accepted");
  });

  it("says nothing in JSON that a terminal could take for more than text, and means the same", async () => {
    const told = "a\u009b2J\u202eb\u2028\u{e0041}";
    const hidden = await cookie((session) => session.set("told", told));
    const { out, first } = await inspected(["--values", hidden]);
    expect(out).not.toMatch(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/u);
    expect(first.session?.data).toEqual({ told });
  });

  it("comes from another program without being asked for", async () => {
    const piped = await flagon(["inspect"], { input: `set-cookie: ${filled}; Path=/` });
    expect(piped).toEqual(await flagon(["inspect", "-"], { input: filled }));
    expect(piped.out).toContain("✓ accepted");
  });

  it("has colours only where they are wanted", async () => {
    expect((await flagon(["inspect", filled], { colours: true })).out).toContain("\x1b[1;32m✓ accepted\x1b[39;22m");
    expect((await flagon(["inspect", filled])).out).not.toContain("\x1b");
  });

  it("is not overrun where it is narrow", async () => {
    const { out } = await flagon(["inspect", "--values", filled], { columns: 60 });
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
  });
});

it.each([
  [[], /needs a cookie/],
  [[""], /empty/],
  [["--nonsense", "x"], /nonsense/],
  [["--dotenv", "nope.env", "x"], /nope\.env can't be read \(ENOENT\)/],
  [["--env-file=nope.env", "x"], /Node takes --env-file for itself.*--dotenv/],
  [["--idle", "soon", "x=y"], /lifetime\.idle/],
  [["--name", "mine", "yours=1"], /no cookie mine in it: it has yours/],
  [["--store", "mongodb://x", "session=1"], /can't be a mongodb: URL/],
])("flagon inspect %j is a usage error", async (args, message) => {
  const { code, out, err } = await flagon(["inspect", ...args]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(message);
  expect(err.split("\n")).toHaveLength(2);
});

function flipped(text: string): string {
  const at = text.length - 10;
  return `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
}
