import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromText, quoteName, toKey, toText } from "../../src/stores/shared/text.ts";

/** Any string at all: lone surrogates, NULs and what looks like an escape among them. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom("\\", '"', "u", "0", "\u0000", "\ud800", "\udc00", "a", "\n", "\u007f", "\u2028"))
    .map((all) => all.join("")),
);

describe("toText", () => {
  test("is undone by fromText for every string", () => {
    fc.assert(fc.property(anyText, (text) => void expect(fromText(toText(text))).toBe(text)));
  });

  test("gives text that UTF-8 and PostgreSQL keep: well-formed, without NUL, without a bare quote", () => {
    fc.assert(
      fc.property(anyText, (value) => {
        const text = toText(value);
        expect(Buffer.from(text).toString()).toBe(text);
        expect(text).not.toContain("\u0000");
        expect(text.startsWith('"')).toBe(false);
      }),
    );
  });

  test.each(["42", "user@example.org", "Žofie", "a b", "01J9Z_-.~", "🐎"])("leaves %s as it is", (text) => {
    expect(toText(text)).toBe(text);
  });
});

describe("toKey", () => {
  test("is as long as it may be at most, and different for different strings", () => {
    const keys = new Map<string, string>();
    fc.assert(
      fc.property(anyText, (text) => {
        const key = toKey(text, 60);
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(60);
        expect(keys.get(key) ?? text).toBe(text);
        keys.set(key, text);
      }),
    );
  });

  test("is the text itself up to the bound, and a digest past it", () => {
    expect(toKey("x".repeat(60), 60)).toBe("x".repeat(60));
    expect(toKey("x".repeat(61), 60)).toMatch(/^"[\w-]{43}$/);
    expect(toKey("é".repeat(30), 60)).toBe("é".repeat(30));
    expect(toKey("é".repeat(31), 60)).toMatch(/^"[\w-]{43}$/);
  });
});

test.each(["", "1a", "a-b", 'a"', "ä", "a".repeat(41)])("quoteName throws a TypeError for %j", (name) => {
  expect(() => quoteName(name)).toThrow(TypeError);
});
