import { datetime, Markup, Tuple, tuple, Uuid } from "flagon/flask";
import { describe, expect, it } from "vitest";
import { bindFlask } from "./support.ts";

const format = bindFlask(() => 1_750_000_000);

describe("what Flask's cookie cannot carry is a TypeError that names the key", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  it.each<[string, unknown, string]>([
    ["undefined", undefined, "undefined"],
    ["undefined inside", { a: undefined }, "undefined"],
    ["a hole", Object.assign([1], { 2: 3 }), "undefined"],
    ["a function", () => {}, "a function"],
    ["a symbol", Symbol("a"), "a symbol"],
    ["a symbol for a key", { [Symbol("a")]: 1 }, "a symbol for a key"],
    ["a Map", new Map(), "a Map"],
    ["a Set", new Set(), "a Set"],
    ["a class instance", new (class Cart {})(), "a Cart"],
    ["a boxed string", Object("a"), "a String"],
    ["an ArrayBuffer", new ArrayBuffer(1), "a ArrayBuffer"],
    ["a circle", circle, "contains itself"],
    ["a small bigint", 5n, "5n, which would come back as a number"],
    ["the last bigint that is a number", 2n ** 53n - 1n, "would come back as a number"],
    ["a bigint longer than Python reads", 10n ** 4_300n, "more than 4300 digits"],
    ["a date with milliseconds", new Date(1_500), "datetime(date)"],
    ["no date", new Date(Number.NaN), "datetime(date)"],
    ["a date before the year 100", new Date("0099-12-31T23:59:59Z"), "datetime(date)"],
    ["a date after the year 9999", new Date(Date.UTC(10_000, 0, 1)), "datetime(date)"],
  ])("%s", (_, value, words) => {
    expect(() => format.print("cart", value)).toThrow(TypeError);
    expect(() => format.print("cart", value)).toThrow(`session key "cart" holds`);
    expect(() => format.print("cart", value)).toThrow(words);
  });

  it.each(["_permanent", "_flashes", "_user_id", "_fresh", "_id"])("and so is Flask's own key %s", (key) => {
    expect(() => format.print(key, "any")).toThrow(new RegExp(`"${key}" is Flask's own; use session\\.`));
  });
});

describe("what Flask's cookie can carry", () => {
  it.each<[string, unknown]>([
    ["null", null],
    ["minus zero", -0],
    ["NaN", Number.NaN],
    ["2^53 as bigint", 2n ** 53n],
    ["the longest bigint", 10n ** 4_300n - 1n],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 })],
    ["a Buffer", Buffer.from("a")],
    ["the first second of the year 100", new Date("0100-01-01T00:00:00Z")],
    ["the last second of the year 9999", new Date("9999-12-31T23:59:59Z")],
  ])("is printed: %s", (_, value) => {
    expect(typeof format.print("cart", value)).toBe("string");
  });

  it("is printed differently when it differs", () => {
    const values = [
      1,
      1.5,
      "1",
      true,
      null,
      [],
      {},
      tuple(),
      [1],
      tuple(1),
      { a: 1 },
      new Markup("1"),
      new Uint8Array([1]),
      new Date(0),
      2n ** 60n,
    ];
    expect(new Set(values.map((value) => format.print("a", value))).size).toBe(values.length);
  });
});

describe("tuple", () => {
  it("is an array that cannot change, and plain arrays come of it", () => {
    const pair = tuple("a", 1);
    expect(Array.isArray(pair)).toBe(true);
    expect(pair).toBeInstanceOf(Tuple);
    expect(() => (pair as unknown as unknown[]).push(2)).toThrow(TypeError);
    expect(pair.map(String)).not.toBeInstanceOf(Tuple);
    expect(JSON.stringify(pair)).toBe('["a",1]');
    expect(tuple(3)).toHaveLength(1);
  });
});

describe("Uuid", () => {
  it("takes both spellings and has one", () => {
    const text = "12345678-1234-5678-1234-567812345678";
    expect([new Uuid(text).text, new Uuid(text.replaceAll("-", "").toUpperCase()).text]).toEqual([text, text]);
    expect(`${new Uuid(text)} ${JSON.stringify(new Uuid(text))} ${new Uuid(text).hex}`).toBe(
      `${text} "${text}" ${text.replaceAll("-", "")}`,
    );
  });

  it.each([
    "",
    "1234",
    "g2345678-1234-5678-1234-567812345678",
    "urn:uuid:12345678-1234-5678-1234-567812345678",
    `${"1".repeat(33)}`,
  ])("is a TypeError for %j", (text) => {
    expect(() => new Uuid(text)).toThrow(TypeError);
  });
});

describe("Markup", () => {
  it("is its text wherever text is wanted", () => {
    expect(`${new Markup("<b>")} ${JSON.stringify([new Markup("<b>")])}`).toBe('<b> ["<b>"]');
    expect(() => new Markup(1 as unknown as string)).toThrow(TypeError);
  });
});

describe("datetime", () => {
  it("cuts to the whole second, also before 1970", () => {
    expect(datetime("2026-03-01T12:00:00.999Z").toISOString()).toBe("2026-03-01T12:00:00.000Z");
    expect(datetime(-1).getTime()).toBe(-1_000);
    expect(datetime().getTime() % 1_000).toBe(0);
  });

  it.each(["never", "0001-01-01", Number.POSITIVE_INFINITY])("is a TypeError for %s", (from) => {
    expect(() => datetime(from)).toThrow(TypeError);
  });
});
