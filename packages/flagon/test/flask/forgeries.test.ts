import { createHmac } from "node:crypto";
import { constants, deflateRawSync, deflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readPayload, TEXT_BYTES_MAX, writePayload } from "../../src/flask/payload.ts";
import { Unreadable } from "../../src/flask/python-json.ts";
import { anyRequest, bindFlask, newRecord, opened, SECRET } from "./support.ts";

const now = 1_750_000_000;
const format = bindFlask(() => now);
const seal = (data: Record<string, unknown>): string => format.seal(newRecord({ data }), "session", anyRequest);
const open = (cookie: string) => format.open(cookie, "session", anyRequest);

/** A good signature over any payload, without the code under test. */
function sign(payload: string): string {
  const stamp = Buffer.alloc(4);
  stamp.writeUInt32BE(now);
  const signed = `${payload}.${stamp.toString("base64url")}`;
  const key = createHmac("sha1", SECRET).update("cookie-session").digest();
  return `${signed}.${createHmac("sha1", key).update(signed).digest("base64url")}`;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/~%"; \u00e9\u0000';

/** One change to a cookie: a character replaced, put in, taken out, doubled or moved, or the whole cut or sewn. */
const mutation = fc.record({
  kind: fc.constantFrom("replace", "insert", "delete", "repeat", "swap", "cut", "join", "bit"),
  at: fc.nat(),
  other: fc.nat(),
});

function mutate(cookie: string, { kind, at, other }: { kind: string; at: number; other: number }): string {
  const i = at % cookie.length;
  const j = other % cookie.length;
  const character = alphabet[other % alphabet.length] as string;
  const [head, rest] = [cookie.slice(0, i), cookie.slice(i)];
  switch (kind) {
    case "replace":
      return `${head}${character}${rest.slice(1)}`;
    case "insert":
      return `${head}${character}${rest}`;
    case "delete":
      return `${head}${rest.slice(1)}`;
    case "repeat":
      return `${head}${cookie.slice(Math.min(i, j), Math.max(i, j))}${rest}`;
    case "swap":
      return `${head}${cookie[j]}${rest.slice(1)}`;
    case "cut":
      return head;
    case "join":
      return `${head}${cookie.slice(j)}`;
    default:
      return `${head}${String.fromCharCode(rest.charCodeAt(0) ^ (1 << (other % 7)))}${rest.slice(1)}`;
  }
}

describe("a cookie that somebody changed", () => {
  const originals = [
    seal({ username: "ada" }),
    seal({ text: "flag ".repeat(100) }),
    seal({
      cart: [
        { id: 1, price: 9.5 },
        { id: 2, price: 1e21 },
      ],
      at: new Date(0),
      big: 2n ** 70n,
    }),
  ];

  it("opens nothing and throws nothing, in 100,000 changes", () => {
    const known = new Set(originals);
    let tried = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (cookie, changes) => {
          const changed = changes.reduce(mutate, cookie);
          if (known.has(changed)) return;
          tried++;
          expect(typeof open(changed)).toBe("string");
        },
      ),
      { numRuns: 110_000 },
    );
    expect(tried).toBeGreaterThan(100_000);
  }, 60_000);

  it("opens nothing in any other spelling of its signature", () => {
    for (const cookie of originals) {
      const last = cookie.at(-1) as string;
      // The last character of 20 bytes in base64url has two bits that say nothing.
      const twins = [...alphabet.slice(0, 64)].filter((character) => character !== last);
      for (const twin of twins) expect(typeof open(cookie.slice(0, -1) + twin)).toBe("string");
      for (const junk of ["=", "==", "\n", " ", "%", ".", "!"]) expect(typeof open(cookie + junk)).toBe("string");
    }
  });

  it.each([
    "",
    ".",
    "..",
    "...",
    "a",
    "a.b",
    "a.b.c",
    ".a.b.c",
    "é.é.é",
    "a..",
    "..a",
    "\u0000",
    "a".repeat(100_000),
    ".".repeat(100_000),
  ])("opens nothing when it is no cookie at all: %j", (text) => {
    expect(["malformed", "forged"]).toContain(open(text));
  });
});

describe("the inflated size", () => {
  const bomb = deflateSync(Buffer.alloc(64 * 1_024 * 1_024, " "), { level: 9 });

  it("is bounded: a bomb opens nothing, and inflates no further than the bound", () => {
    const cookie = sign(`.${bomb.toString("base64url")}`);
    const before = process.memoryUsage().arrayBuffers;
    expect(open(cookie)).toBe("unreadable");
    // 64 MB would show; what was inflated is a quarter of one.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1_024 * 1_024);
  });

  it("is not looked at before the signature is", () => {
    const [payload, stamp] = [`.${bomb.toString("base64url")}`, "aEW6gA"];
    expect(open(`${payload}.${stamp}.${"A".repeat(27)}`)).toBe("forged");
  });

  it("may be just the bound, and not a byte more", () => {
    const text = (length: number): string => `.${deflateSync(Buffer.alloc(length, " ")).toString("base64url")}`;
    expect(readPayload(text(TEXT_BYTES_MAX))).toHaveLength(TEXT_BYTES_MAX);
    expect(() => readPayload(text(TEXT_BYTES_MAX + 1))).toThrow(Unreadable);
  });

  it("is no trap: a session too long to be read again is refused when it is written", () => {
    expect(writePayload(" ".repeat(TEXT_BYTES_MAX))).not.toBeNull();
    expect(writePayload(" ".repeat(TEXT_BYTES_MAX + 1))).toBeNull();
    expect(() => seal({ text: "a".repeat(TEXT_BYTES_MAX) })).toThrow(
      expect.objectContaining({ code: "cookie_too_large" }),
    );
  });

  it.each([
    ["cut short", deflateSync(Buffer.from('{"a":1}')).subarray(0, -3)],
    ["a bad checksum", flipLast(deflateSync(Buffer.from('{"a":1}')))],
    ["raw deflate without a head", deflateRawSync(Buffer.from('{"a":1}'))],
    ["nothing", Buffer.alloc(0)],
  ])("of what is no zlib matters not: %s", (_, bytes) => {
    expect(open(sign(`.${bytes.toString("base64url")}`))).toMatch(/unreadable|malformed/);
  });

  it("does not depend on how it was compressed", () => {
    for (const strategy of [
      constants.Z_DEFAULT_STRATEGY,
      constants.Z_FIXED,
      constants.Z_HUFFMAN_ONLY,
      constants.Z_RLE,
    ]) {
      const bytes = deflateSync(Buffer.from('{"a":1}'), { strategy, level: 1 });
      expect(opened(open(sign(`.${bytes.toString("base64url")}`))).data).toEqual({ a: 1 });
    }
  });
});

function flipLast(bytes: Buffer): Buffer {
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] as number) ^ 1;
  return bytes;
}
