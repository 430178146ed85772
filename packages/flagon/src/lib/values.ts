import { Buffer } from "node:buffer";
import { encodeBase64url } from "./bytes.ts";

/**
 * What a session can hold: JSON, and with tags `Date`, `bigint`, `Uint8Array`, `Map`, `Set`, `undefined` and the numbers
 * that JSON has no words for. A tagged value is an object with one key that begins with "!"; an object of the app's own that
 * looks like one is wrapped as "!o". Whether a session is tagged is said once, outside the JSON, so that plain sessions
 * never look for tags.
 */

/** Deeper than this and a value is refused: no page needs it, the stack is not bottomless, and circles have no end. */
const DEPTH_MAX = 100;

/**
 * The value as JSON can say it: itself when it needs no tags, else a tagged copy. Throws a `TypeError` that names the key
 * for what cannot be carried exactly: functions, symbols, class instances (a Buffer is one), arrays with holes, circles.
 */
export function carry(key: string, value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Object.is(value, -0)) return { "!f": "-0" };
      return Number.isFinite(value) ? value : { "!f": `${value}` };
    case "bigint":
      return { "!n": `${value}` };
    case "undefined":
      return { "!u": 0 };
    case "object": {
      if (value === null) return value;
      if (depth === DEPTH_MAX) throw refusal(key, `more than ${DEPTH_MAX} levels, or a circle`);
      // Of these kinds and no heir of theirs: a Buffer, say, would come back as a Uint8Array.
      const write = writers.get(Object.getPrototypeOf(value));
      if (write !== undefined && Object.getOwnPropertySymbols(value).length === 0) return write(value, key, depth);
    }
  }
  throw refusal(key, `a ${(value as object).constructor?.name || "class instance"}`);
}

// biome-ignore lint/suspicious/noExplicitAny: of the kind whose prototype it stands beside
type Write = (value: any, key: string, depth: number) => unknown;

const writers: ReadonlyMap<unknown, Write> = new Map<unknown, Write>([
  [null, carryInside],
  [Object.prototype, carryInside],
  [Array.prototype, carryInside],
  [Date.prototype, (date) => ({ "!d": date.getTime() })],
  [Uint8Array.prototype, (bytes) => ({ "!b": encodeBase64url(Buffer.from(bytes)) })],
  // A pair is no level of its own.
  [Map.prototype, (map, key, depth) => ({ "!m": carryEach([...map], key, depth) })],
  [Set.prototype, (set, key, depth) => ({ "!s": carryEach([...set], key, depth + 1) })],
]);

// biome-ignore lint/suspicious/noExplicitAny: verified before, and as `carry` wrote it
const readers: Readonly<Record<string, (inner: any) => unknown>> = {
  __proto__: null as never,
  "!f": Number,
  "!n": BigInt,
  "!u": () => undefined,
  // What is no date at all has no number, which JSON writes as null.
  "!d": (ms) => new Date(ms ?? Number.NaN),
  "!b": (text) => new Uint8Array(Buffer.from(text, "base64url")),
  "!m": (pairs) => new Map(pairs),
  "!s": (values) => new Set(values),
  "!o": (entry) => Object.fromEntries([entry]),
};

function carryInside(whole: object, key: string, depth: number): object {
  const names = Object.keys(whole);
  // Names come after indexes, so that with the last one in its place all are.
  if (Array.isArray(whole) && (names.length !== whole.length || Number(names.at(-1) ?? -1) !== whole.length - 1)) {
    throw refusal(key, "an array with holes or names");
  }
  const carried = carryEach(whole, key, depth + 1);
  return names.length === 1 && names[0]?.startsWith("!") ? { "!o": Object.entries(carried)[0] } : carried;
}

/**
 * The object or array with each of its values carried; itself when none needs a tag. Without `key` it is a session's data,
 * and each value is known by its own.
 */
export function carryEach<Whole extends object>(whole: Whole, key?: string, depth = 0): Whole {
  const values = whole as Record<string, unknown>;
  let copy = values;
  for (const name of Object.keys(whole)) {
    const value = values[name];
    const carried = carry(key ?? name, value, depth);
    if (carried !== value) {
      if (copy === values) copy = (Array.isArray(whole) ? [...whole] : { ...whole }) as typeof values;
      setOwn(copy, name, carried);
    }
  }
  return copy as Whole;
}

function refusal(key: string, what: string): TypeError {
  return new TypeError(
    `session key ${JSON.stringify(key)} cannot hold ${what}; store JSON, Date, bigint, Uint8Array, Map or Set`,
  );
}

/** A value's text, another one whenever the value is another, in type as well as in content. */
export function printValue(key: string, value: unknown): string {
  return JSON.stringify(carry(key, value));
}

/** What {@link carry} was given, for what it returned. A tag that is not known stays as it is. */
export function uncarry(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(uncarry);
  const [tag = "", another] = Object.keys(value);
  const read = another === undefined ? readers[tag] : undefined;
  const inside = uncarryEach(value);
  return read === undefined ? inside : read(inside[tag]);
}

/** An object's values, each on its own: the object itself is no tag, whatever it looks like. */
export function uncarryEach(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, uncarry(inner)]));
}

/** The data with values of its own. Throws a `TypeError` that names the key for what a session cannot carry. */
export function copyOf(data: object): Record<string, unknown> {
  return uncarryEach(JSON.parse(JSON.stringify(carryEach(data))));
}

/** Sets a key of the object's own, also `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}
