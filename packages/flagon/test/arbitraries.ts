import fc from "fast-check";

/** Keys that have a meaning elsewhere, and must have none here. */
export const oddKeys: readonly string[] = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "toJSON",
  "then",
  "length",
  "",
  " ",
  "0",
  "!d",
  "!o",
  "!unknown",
  "a.b",
  "a[0]",
  "ключ",
  "\0",
  "\u2028",
  "\ud800",
  "\u{1f5dd}",
];

/**
 * Without a backslash: once V8 13 or 14 has parsed such a key, `JSON.parse` takes other keys that begin with an escape for
 * it (github.com/nodejs/node/issues/63785), whoever parses.
 */
export const anyKey: fc.Arbitrary<string> = fc
  .oneof(fc.constantFrom(...oddKeys), fc.string({ maxLength: 8 }), fc.string({ unit: "binary", maxLength: 4 }))
  .filter((key) => !key.includes("\\"));

const oddNumbers = [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 2 ** 53, 1e21];

const anyNumber = fc.oneof(fc.constantFrom(...oddNumbers), fc.integer(), fc.double());

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 }),
  anyNumber,
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 20 }),
);

/** An object with these keys of its own, `__proto__` among them. */
export function objectOf(value: fc.Arbitrary<unknown>, maxLength = 5): fc.Arbitrary<Record<string, unknown>> {
  return fc.uniqueArray(fc.tuple(anyKey, value), { selector: ([key]) => key, maxLength }).map(Object.fromEntries);
}

const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie("tree"), { maxLength: 4 }),
    objectOf(tie("tree"), 4),
    fc.array(fc.tuple(tie("tree"), tie("tree")), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie("tree"), { maxLength: 3 }).map((items) => new Set(items)),
  ),
}));

/** Everything that a session can hold under a key. */
export const anyValue: fc.Arbitrary<unknown> = tree;

/** Everything that a session can hold. */
export const anyData: fc.Arbitrary<Record<string, unknown>> = objectOf(anyValue);

/** Another value of the same kind and content: what a session hands out is never the object that was put in. */
export function isCopy(copy: unknown, original: unknown): boolean {
  return typeof original !== "object" || original === null || copy !== original;
}
