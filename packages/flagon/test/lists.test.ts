import { createSessions, sealed } from "flagon";
import { flaskCodec, fromFlaskConfig } from "flagon/flask";
import { describe, expect, test } from "vitest";
import { requestOf, SECRET } from "./browser.ts";

const until = "2099-01-01";
const FLASK_SECRET = "b3d9d2c0f0a1487d9f3c6a5e2b7f4810";

/** Every option that takes a list: its name in messages, a good entry, and what takes it. */
const options: [option: string, entry: unknown, make: (list: never) => unknown][] = [
  ["secret", SECRET, (secret) => createSessions({ secret })],
  [
    "csrf.trustedOrigins",
    "https://app.example",
    (trustedOrigins) => createSessions({ secret: SECRET, csrf: { trustedOrigins } }),
  ],
  ["upgradeFrom", { codec: sealed, until }, (upgradeFrom) => createSessions({ secret: SECRET, upgradeFrom })],
  ["flaskCodec: fallbacks", FLASK_SECRET, (fallbacks) => flaskCodec({ secretKey: FLASK_SECRET, fallbacks })],
  ["flaskCodec: fallbacks", FLASK_SECRET, (fallbacks) => flaskCodec({ secretKey: undefined, fallbacks })],
  [
    "SECRET_KEY_FALLBACKS",
    FLASK_SECRET,
    (SECRET_KEY_FALLBACKS) => fromFlaskConfig({ SECRET_KEY: FLASK_SECRET, SECRET_KEY_FALLBACKS }),
  ],
];

function messageOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  return "no error";
}

describe.each(options)("%s", (option, entry, make) => {
  const given = (value: unknown): string => messageOf(() => make(value as never));

  test("takes a list, also one that nobody can change", () => {
    expect(given(Object.freeze([entry]))).toBe("no error");
    expect(given([entry, entry])).toBe("no error");
  });

  test.each([
    ["undefined", undefined],
    ["null", null],
    ["empty", ""],
    // biome-ignore lint/suspicious/noSparseArray: a hole is what is meant
    ["a hole", [,][0]],
  ])("is a TypeError at construction that says which entry is unset: %s", (_, unset) => {
    expect(given([unset])).toMatch(`${option}[0] is unset; `);
    expect(given([entry, unset, entry])).toMatch(`${option}[1] is unset; `);
  });

  test.each([
    ["its one entry", entry],
    ["a text", "https://app.example"],
    ["a Set", new Set([entry])],
    ["an object", { 0: entry, length: 1 }],
    ["a number", 1],
    ["true", true],
    ["bytes", new Uint8Array(32).map((_, index) => index)],
  ])("is a TypeError at construction that says what it wants, for %s", (what, value) => {
    // One secret alone is as good as a list of one, and what else is no secret is told as that.
    if (option === "secret") {
      expect(given(value)).toMatch(
        what === "its one entry" ? "no error" : /^the session secret is no text of 32 bytes/,
      );
    } else expect(given(value)).toMatch(`${option} must be a list; `);
  });
});

test("an empty list of secrets is a TypeError at construction, and none of the others is", () => {
  for (const [option, , make] of options) {
    const message = messageOf(() => make([] as never));
    expect([option, message]).toEqual([
      option,
      option === "secret" ? expect.stringMatching(/^the session secret is an empty list; pass /) : "no error",
    ]);
  }
});

test("an upgradeFrom that is a list of codecs is a TypeError that says what it wants", () => {
  expect(messageOf(() => createSessions({ secret: SECRET, upgradeFrom: [sealed] as never }))).toMatch(
    "{ codec, until }",
  );
});

test("an origin is trusted as a whole, as it was at construction", () => {
  const trustedOrigins = ["https://app.example"];
  const sessions = createSessions({ secret: SECRET, csrf: { trustedOrigins } });
  trustedOrigins[0] = "https://evil.example";
  const open = (origin: string) => () =>
    sessions.open({ ...requestOf({ origin, "sec-fetch-site": "cross-site" }), method: "POST" });
  expect(open("https://app.example")).not.toThrow();
  for (const origin of ["https://app", "https://app.example.evil", "h", "", "https://evil.example"]) {
    expect(open(origin)).toThrow(/^cross-site request refused/);
  }
});

test("a function's list is checked at its first use", () => {
  const sessions = createSessions({ secret: () => ["", SECRET] });
  const session = sessions.open(requestOf({}));
  if (session instanceof Promise) throw new Error("a promise");
  session.set("a", 1);
  expect(() => sessions.commit(session)).toThrow("secret[0] is unset; ");
});
