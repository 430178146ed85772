import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64url, encodeBase64url, lengthPrefixed, randomBytes } from "../../src/crypto/bytes.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

describe("base64url", () => {
  test("reads what it writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = encodeBase64url(Buffer.from(bytes));
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
        expect(new Uint8Array(decodeBase64url(text) ?? [255])).toEqual(bytes);
      }),
    );
  });

  test("has one spelling for each value: of all two and three character texts, only those it writes are read", () => {
    for (const a of alphabet) {
      for (const b of alphabet) {
        const readTwo = decodeBase64url(a + b);
        expect(readTwo === null).toBe(alphabet.indexOf(b) % 16 !== 0);
        const readThree = decodeBase64url(`A${a}${b}`);
        expect(readThree === null).toBe(alphabet.indexOf(b) % 4 !== 0);
      }
      expect(decodeBase64url(a)).toBeNull();
    }
  });

  test.each([
    "QUI=",
    "QUI\n",
    " QUI",
    "Q UI",
    "QU\0I",
    "+w",
    "/w",
    "_w==",
    "QUJD.",
    "QUJDé",
    "QUJD\ud83d",
    "====",
    "%51%55",
  ])("reads nothing in %j", (text) => {
    expect(decodeBase64url(text)).toBeNull();
  });

  test("writes the part of an array that a view shows", () => {
    const view = Buffer.from(new Uint8Array([1, 2, 3, 4, 5, 6]).buffer, 1, 3);
    expect(encodeBase64url(view)).toBe(Buffer.from([2, 3, 4]).toString("base64url"));
  });
});

describe("lengthPrefixed", () => {
  test("lets no two texts run into what follows them", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        const left = Buffer.concat([lengthPrefixed(a), lengthPrefixed(b)]);
        const right = Buffer.concat([lengthPrefixed(c), lengthPrefixed(d)]);
        expect(left.equals(right)).toBe(a === c && b === d);
      }),
    );
  });

  test("takes 65,535 bytes and refuses one more", () => {
    expect(lengthPrefixed("é".repeat(32_767)).length).toBe(2 + 65_534);
    expect(lengthPrefixed("a".repeat(65_535)).readUInt16BE()).toBe(65_535);
    expect(() => lengthPrefixed("a".repeat(65_536))).toThrow(RangeError);
  });
});

describe("random bytes", () => {
  test("are never the same twice, across refills of the pool", () => {
    const seen = new Set<string>();
    for (let i = 0; i < 10_000; i++) seen.add(randomBytes(16).toString("hex"));
    expect(seen.size).toBe(10_000);
  });

  test("are as many as were asked for, up to the pool's length, in a buffer of their own", () => {
    for (const length of [0, 1, 12, 16, 32, 4_095, 4_096]) {
      const bytes = randomBytes(length);
      expect(bytes.length).toBe(length);
      if (length > 8) expect(bytes.every((byte) => byte === 0)).toBe(false);
      const before = Buffer.from(bytes);
      randomBytes(4_096).fill(7);
      expect(bytes).toEqual(before);
    }
  });

  test("have each bit set about half of the time", () => {
    const counts = new Array<number>(128).fill(0);
    for (let i = 0; i < 4_000; i++) {
      const bytes = randomBytes(16);
      for (let bit = 0; bit < 128; bit++)
        if ((bytes.readUInt8(bit >> 3) >> (bit & 7)) & 1) counts[bit] = (counts[bit] ?? 0) + 1;
    }
    // Eight standard deviations around the middle: once in 10^13 runs.
    for (const count of counts) expect(Math.abs(count - 2_000)).toBeLessThan(8 * Math.sqrt(1_000));
  });
});
