import { randomBytes, randomUUID } from "node:crypto";
import { createSessions, type SessionOptions } from "flagon";
import { describe, expect, test } from "vitest";
import { weaknessOf } from "../../src/crypto/secret-strength.ts";
import { atOnce, type Data, OTHER_SECRET, requestOf, SECRET } from "../browser.ts";

type Secret = SessionOptions<Data>["secret"];

const weak: [what: string, secret: string][] = [
  ["31 bytes", SECRET.slice(0, 31)],
  ["one character", "x"],
  ["31 bytes of 16 characters", `${"é".repeat(15)}x`],
  ["one character over and over", "a".repeat(64)],
  ["a short piece over and over", "Zq7!rT2#".repeat(8)],
  ["a piece over and over, cut off", "Zq7!rT2#vB9$".repeat(5).slice(0, 50)],
  ["zeros and ones", "0110".repeat(16)],
  ["seven characters in some order", "abcdefgacegbdfabgfedcabfgecdabfgced"],
  ["the alphabet", "abcdefghijklmnopqrstuvwxyz0123456789"],
  ["the alphabet backwards", "zyxwvutsrqponmlkjihgfedcba9876543210"],
  ["digits that count", "01234567890123456789012345678901"],
  ["each letter twice", "aabbccddeeffgghhiijjkkllmmnnoopp"],
  ["every other character", "acegikmoqsuwy02468BDFHJLNPRTVXZ!#%"],
  ["a run that begins anew, with capitals", "bcdefghijklmnopqrsBCDEFGHIJKLMNOPQRS"],
  ["express-session's example", "keyboard cat keyboard cat keyboard cat"],
  ["iron-session's example", "complex_password_at_least_32_characters_long"],
  ["an example that names its length", "put-at-least-32-Random-Things-here!"],
  ["an example that is longer than that", "Something longer than 32, please, ok"],
  ["an example that counts characters", "these are 32 characters or thereabouts"],
  ["an example that counts bytes", "Here go 32 bytes of hex or base64!!"],
  ["a placeholder", "change-me-change-me-please-change-me!"],
  ["a placeholder in capitals", "REPLACE_ME_WITH_A_LONG_RANDOM_STRING"],
  ["a plain sentence with the word", "this is my super secret session thing 42"],
  ["a password", "MyPassword123456789!MyPassw0rd$%&/()"],
  ["jwt.io's", "a-string-secret-at-least-256-bits-long"],
  ["Flask's", "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf"],
  ["FastAPI's", "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"],
  ["h3's", "80d42cfb-1cd2-462c-8f17-e3237d9027e9"],
  ["@fastify/secure-session's", "averylogphrasebiggerthanthirtytwochars"],
  ["@fastify/session's", "a secret with minimum length of 32 characters"],
  ["hono-sessions'", "password_at_least_32_characters_long"],
  ["Django's", "django-insecure-k3!x8v$q2m#z7w@p5n&b9c*d1f"],
  ["one to be changed", "please-change-this-secret-in-production"],
  ["one to be changed, in other words", "replace-this-with-a-real-secret-value"],
  ["one that says what it is", "not-a-real-secret-only-for-development"],
  ["one that says what is wanted", "some-long-random-string-for-signing-cookies"],
  ["a default", "insecure-default-key-do-not-use-in-production"],
  ["one for tests", "test-secret-test-key-test-cookie-test-2026"],
];

const strong: [what: string, secret: string][] = [
  ["32 bytes", SECRET],
  ["the other one", OTHER_SECRET],
  ["32 bytes of UTF-8 in fewer characters", "ключ-π-鍵-🗝-Zq7!rT2#vB9$"],
  ["64 hexadecimal digits", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
  ["eight characters in no order", "a7f01ce97ca0f1e91e7fca09fa0c71e9"],
  ["base64", "Vx1Dk8v0hC0dT2cB1n8oZ5r3m9Qw7y4u+/aSdFgHjKl="],
  ["long", randomBytes(500).toString("base64")],
  ["six words", "drearily-unwired-cobalt-stapling-fifth-overcook"],
  ["six words, two of them such", "please-monotone-secret-gallows-example-hatbox"],
];

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

describe("a secret", () => {
  test.each(weak)("that is %s throws at construction, with the command that makes a good one", (_, secret) => {
    for (const given of [secret, [secret], [SECRET, secret], [secret, SECRET]]) {
      const make = (): unknown => createSessions({ secret: given });
      expect(make).toThrow(TypeError);
      expect(make).toThrow("npx flagon secret");
    }
  });

  // Those that hold one of the message's own words say nothing here.
  const unlike = weak.filter(([, secret]) => secret.length > 1 && !/session|secret/i.test(secret));
  test.each(unlike)("that is %s is in no message, nor a part of it", (_, secret) => {
    const message = messageOf(() => createSessions({ secret }));
    for (let i = 0; i + 8 <= secret.length; i++) expect(message).not.toContain(secret.slice(i, i + 8));
  });

  test.each(strong)("that is %s is taken", (_, secret) => {
    expect(() => createSessions({ secret })).not.toThrow();
    expect(() => createSessions({ secret: [secret, SECRET] })).not.toThrow();
  });

  test("made at random is taken, in any usual spelling", () => {
    for (let i = 0; i < 2_000; i++) {
      const bytes = randomBytes(32);
      for (const spelling of ["hex", "base64", "base64url"] as const)
        expect(weaknessOf(bytes.toString(spelling))).toBeNull();
      expect(weaknessOf(`${randomUUID()}${randomUUID()}`)).toBeNull();
    }
  });

  test("may stand in a list twice; two that cookies could not tell apart may not", () => {
    expect(() => createSessions({ secret: [SECRET, SECRET] })).not.toThrow();
    // Found by trying: their first four bytes of HKDF are the same.
    const two = [35_836, 44_413].map((n) => `Collide-${n}-p7Qw-2ZrT.s9Vb4_XcK1~mHy6`);
    for (const each of two) expect(() => createSessions({ secret: each })).not.toThrow();
    expect(() => createSessions({ secret: two })).toThrow(/key id/);
  });

  test.each<[what: string, secret: unknown]>([
    ["a number", 1e31],
    ["a Buffer, whose bytes would be read as numbers", randomBytes(32)],
    ["a list of bytes", [randomBytes(32)]],
    ["an empty list", []],
    ["a list with undefined", [SECRET, undefined]],
    ["a list with nothing first, where the older one would seal", ["", SECRET]],
    ["an object", { secret: SECRET }],
    ["true", true],
    ["a promise", Promise.resolve(SECRET)],
  ])("that is %s is a TypeError that says so, at construction", (_, secret) => {
    expect(() => createSessions({ secret: secret as Secret & string })).toThrow(TypeError);
    expect(() => createSessions({ secret: secret as Secret & string })).toThrow(/secret/);
  });
});

const missing: [what: string, secret: Secret][] = [
  ["undefined", undefined],
  ["empty", ""],
  ["a function that has none", () => undefined],
  ["a function that has an empty one", () => ""],
  ["a function that has an empty list", () => []],
];

describe.each(missing)("a missing secret: %s", (_, secret) => {
  const options = secret === undefined ? {} : { secret };

  test("is no error at construction, so that a build without the environment passes", () => {
    expect(() => createSessions(options)).not.toThrow();
  });

  test("leaves requests alone that don't look at their session", () => {
    const sessions = createSessions(options);
    const session = atOnce(sessions.open(requestOf({ cookie: `__Host-Http-session=${"A".repeat(200)}` })));
    expect(atOnce(sessions.commit(session))).toEqual([]);
  });

  test("is a TypeError when a session is to be sealed, with the command that makes one", () => {
    const sessions = createSessions(options);
    const session = atOnce(sessions.open(requestOf()));
    session.set("a", 1);
    expect(() => sessions.commit(session)).toThrow(TypeError);
  });

  test("is a TypeError when a cookie is to be opened", () => {
    const sessions = createSessions(options);
    const good = createSessions({ secret: SECRET });
    const first = atOnce(good.open(requestOf()));
    first.set("a", 1);
    const cookie = String(atOnce(good.commit(first))[0]?.[1].split(";")[0]);
    const session = atOnce(sessions.open(requestOf({ cookie })));
    expect(() => session.get("a")).toThrow(/secret.*npx flagon secret/s);
  });
});
