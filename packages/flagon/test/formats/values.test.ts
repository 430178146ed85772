import { deepStrictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeHead, decodeRecord, encodeRecord } from "../../src/formats/record-bytes.ts";
import { copyOf, valueText } from "../../src/formats/values.ts";
import { anyData, anyKey, anyValue, isCopy, objectOf, oddKeys } from "../arbitraries.ts";
import { unrotated } from "../records.ts";

type Data = Record<string, unknown>;

/** Through bytes and back, as a cookie and a row encodeValue it. */
function carried(data: Data): Data {
  const bytes = encodeRecord({
    id: "AAAAAAAAAAAAAAAAAAAAAA",
    ...unrotated,
    permanent: false,
    createdAt: 1,
    authenticatedAt: null,
    renewedAt: 1,
    userId: null,
    data,
    flashes: [],
  });
  const read = decodeHead(bytes);
  if (read === null) throw new Error("what was written does not read");
  return decodeRecord(read).data;
}

describe("a session's data", () => {
  test("comes back exactly as it was, whatever it is", () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const back = carried(data);
        deepStrictEqual(back, data);
        deepStrictEqual(Object.keys(back), Object.keys(data));
        for (const key of Object.keys(data)) expect(isCopy(back[key], data[key])).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("that is JSON is written as that JSON, without a tag", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (json) => {
        const data = { value: JSON.parse(json) as unknown };
        fc.pre(!json.includes('"!') && !/-0(?![.\d])/.test(json));
        expect(valueText("value", data.value)).toBe(JSON.stringify(data.value));
        deepStrictEqual(carried(data), data);
      }),
      { numRuns: 500 },
    );
  });

  test("is left as it was when it is written", () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const before = structuredClone(data);
        carried(data);
        deepStrictEqual(data, before);
      }),
      { numRuns: 500 },
    );
  });

  test.each(oddKeys)("has the key %j like any other, at the top and inside", (key) => {
    const inside = Object.fromEntries([[key, { [`${key}2`]: 1 }]]);
    const data = Object.fromEntries([
      [key, inside],
      ["when", new Date(5)],
    ]);
    const back = carried(data);
    deepStrictEqual(back, data);
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    expect(Object.hasOwn(back, key)).toBe(true);
    expect({}).not.toHaveProperty("polluted");
  });

  test("can't reach a prototype through __proto__", () => {
    const data: Data = JSON.parse(
      '{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}},"b":{"constructor":1}}',
    );
    const back = carried({ ...data, big: 1n });
    expect(Object.hasOwn(back, "__proto__")).toBe(true);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(Reflect.get(back.a as object, "polluted")).toBeUndefined();
  });

  test.each([
    ["a date's tag", { "!d": 5 }],
    ["a bigint's tag", { "!n": "7" }],
    ["undefined's tag", { "!u": 0 }],
    ["the wrapper", { "!o": ["!d", 5] }],
    ["a wrapper in a wrapper", { "!o": { "!o": { "!o": 1 } } }],
    ["a tag that can't be read", { "!n": "no number" }],
    ["a map's tag without pairs", { "!m": 7 }],
    ["bytes that are none", { "!b": { a: 1 } }],
    ["a tag beside another key", { "!d": 5, a: 1 }],
    ["an unknown tag", { "!x": 1 }],
    ["the readers' prototype", { "!toString": 1 }],
  ])("is never taken for a tag: %s", (_, lookalike) => {
    for (const data of [
      { a: lookalike },
      { a: lookalike, b: 1n },
      { a: [{ b: lookalike }], c: new Set([lookalike]) },
      lookalike,
    ]) {
      deepStrictEqual(carried(data), data);
    }
  });

  test("keeps what is inside values that JSON has no words for", () => {
    const data = {
      map: new Map<unknown, unknown>([
        [{ a: new Date(1) }, new Set([undefined, null, -0])],
        [new Map([[1n, "x"]]), new Uint8Array([1, 2, 3])],
        [Number.NaN, Number.NaN],
      ]),
      list: [undefined, [undefined], { a: undefined }],
      never: new Date(Number.NaN),
      early: new Date(-8.64e15),
      late: new Date(8.64e15),
      view: new Uint8Array(new Uint8Array([9, 8, 7, 6]).buffer, 1, 2),
    };
    deepStrictEqual(carried(data), { ...data, view: new Uint8Array([8, 7]) });
  });
});

class Account {
  name = "ann";
}
class Names extends Array<string> {}
class Times extends Map<string, number> {}
class Tags extends Set<string> {}
class Moment extends Date {}
class Bytes extends Uint8Array {}

function circle(): object {
  const list: unknown[] = [];
  list.push([{ list }]);
  return list;
}

function circleOfKinds(): object {
  const map = new Map<string, unknown>();
  return map.set("set", new Set([map]));
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

const refused: [what: string, value: () => unknown][] = [
  ["a function", () => () => 1],
  ["a class", () => Account],
  ["a symbol", () => Symbol("s")],
  ["a class instance", () => new Account()],
  ["an object with a prototype of its own", () => Object.create({ a: 1 })],
  ["an object with a symbol for a key", () => ({ [Symbol("s")]: 1 })],
  ["an error", () => new Error("e")],
  ["a regular expression", () => /a/],
  ["a promise", () => Promise.resolve()],
  ["a URL", () => new URL("https://shop.example")],
  ["a WeakMap", () => new WeakMap()],
  ["a number in a box", () => Object(1)],
  ["a string in a box", () => Object("s")],
  ["an array with a hole", () => Object.assign(new Array(3), { 0: 1, 2: 3 })],
  ["an array with a hole and a name", () => Object.assign(new Array(2), { 0: 1, name: 3 })],
  ["an array with a hole and a name that reads as its index", () => Object.assign(new Array(2), { 0: 1, "1e0": 3 })],
  ["an array with a symbol for a name", () => Object.assign([1], { [Symbol("s")]: 2 })],
  ["what a match found", () => /(?<a>b)/.exec("b")],
  ["an array with a name of its own", () => Object.assign([1], { extra: 2 })],
  ["other typed arrays", () => new Uint16Array(2)],
  ["a Float64Array", () => new Float64Array(2)],
  ["an ArrayBuffer", () => new ArrayBuffer(2)],
  ["a DataView", () => new DataView(new ArrayBuffer(2))],
  ["a Buffer, which would come back as a Uint8Array", () => Buffer.from("ab")],
  ["a kind of Array", () => Names.from(["a"])],
  ["a kind of Map", () => new Times()],
  ["a kind of Set", () => new Tags()],
  ["a kind of Date", () => new Moment()],
  ["a kind of Uint8Array", () => new Bytes(2)],
  ["a circle", circle],
  ["a circle through a map and a set", circleOfKinds],
  ["what is nested deeper than a hundred", () => deep(101)],
];

describe("what can't be carried exactly", () => {
  test.each(refused)("is a TypeError that names the key: %s", (_, make) => {
    const value = make();
    for (const wrapped of [
      value,
      [value],
      { a: { b: value } },
      new Map([["k", value]]),
      new Map([[value, 1]]),
      new Set([value]),
    ]) {
      expect(() => valueText("cart", wrapped)).toThrow(TypeError);
      expect(() => valueText("cart", wrapped)).toThrow(/^session key "cart" /);
      expect(() => carried({ fine: 1, cart: wrapped })).toThrow(/^session key "cart" /);
    }
  });

  test("names a key that itself looks odd in a way that can't be misread", () => {
    expect(() => valueText('a"\n', () => 1)).toThrow(/^session key "a\\"\\n" /);
  });

  test("is nothing that is a hundred levels deep", () => {
    expect(() => valueText("deep", deep(99))).not.toThrow();
  });

  test("is not the same object in two places, which comes back as two", () => {
    const shared = { a: 1 };
    const back = carried({ one: shared, two: [shared, shared] });
    deepStrictEqual(back, { one: { a: 1 }, two: [{ a: 1 }, { a: 1 }] });
  });
});

describe("valueText", () => {
  test("tells any two values apart, and only those", () => {
    const pair = fc.oneof(
      fc.tuple(anyValue, anyValue),
      anyValue.map((value) => [value, structuredClone(value)] as const),
    );
    fc.assert(
      fc.property(anyKey, pair, (key, [a, b]) => {
        expect(valueText(key, a) === valueText(key, b)).toBe(isSame(a, b));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["0 and -0", 0, -0],
    ["null and undefined", null, undefined],
    ["NaN and null", Number.NaN, null],
    ["1 and 1n", 1, 1n],
    ["1 and its text", 1, "1"],
    ["a date and its text", new Date(0), new Date(0).toISOString()],
    ["a date and its tag", new Date(0), { "!d": 0 }],
    ["a tag and its wrapper", { "!d": 0 }, { "!o": ["!d", 0] }],
    ["an empty array and an empty set", [], new Set()],
    ["an empty object and an empty map", {}, new Map()],
    ["a key that is undefined and none", { a: undefined }, {}],
    ["a text that looks tagged", '!{"!d":0}', new Date(0)],
  ])("tells %s apart", (_, a, b) => {
    expect(valueText("k", a)).not.toBe(valueText("k", b));
    expect(valueText("k", [a])).not.toBe(valueText("k", [b]));
  });

  test("takes an object apart from one with another order of keys, which JSON would also write otherwise", () => {
    fc.assert(
      fc.property(objectOf(anyValue), (data) => {
        expect(valueText("k", data)).toBe(valueText("k", structuredClone(data)));
      }),
      { numRuns: 300 },
    );
  });
});

describe("copyOf", () => {
  test("gives the same data in values of its own", () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const copy = copyOf(data);
        deepStrictEqual(copy, data);
        for (const key of Object.keys(data)) expect(isCopy(copy[key], data[key])).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("is a TypeError that names the key of what a session cannot encodeValue", () => {
    expect(() => copyOf({ fine: 1, account: [new Account()] })).toThrow(TypeError);
    expect(() => copyOf({ fine: 1, account: [new Account()] })).toThrow(
      /^session key "account" cannot hold this Account;/,
    );
  });
});

/** The same in kind, content and order. */
function isSame(a: unknown, b: unknown): boolean {
  try {
    deepStrictEqual(ordered(a), ordered(b));
    return true;
  } catch {
    return false;
  }
}

/** Where order shows: keys, map entries and set items as lists. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return ["array", value.map(ordered)];
  if (value instanceof Map) return ["map", [...value].map(ordered)];
  if (value instanceof Set) return ["set", [...value].map(ordered)];
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  return ["object", Object.entries(value).map(([key, inner]) => [key, ordered(inner)])];
}
