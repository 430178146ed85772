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
    case "object":
      return value === null ? value : carryObject(key, value, depth + 1);
    default:
      throw refusal(key, `a ${typeof value}`);
  }
}

const kinds: ReadonlySet<unknown> = new Set([Object, Array, Date, Uint8Array, Map, Set].map((kind) => kind.prototype));

function carryObject(key: string, value: object, depth: number): unknown {
  if (depth > DEPTH_MAX) throw refusal(key, `a value nested deeper than ${DEPTH_MAX}, or in a circle`);
  const prototype: unknown = Object.getPrototypeOf(value);
  // Of these kinds and no heir of theirs: a Buffer, say, would come back as a Uint8Array.
  if ((prototype !== null && !kinds.has(prototype)) || Object.getOwnPropertySymbols(value).length > 0) {
    throw refusal(key, `a ${value.constructor?.name || "class instance"}`);
  }
  if (Array.isArray(value)) {
    const indexes = Object.keys(value);
    // Names come after indexes, so that with the last one in its place all are.
    if (indexes.length !== value.length || Number(indexes.at(-1) ?? -1) !== value.length - 1) {
      throw refusal(key, "an array with holes or names");
    }
    let copy: unknown[] | null = null;
    for (let i = 0; i < value.length; i++) {
      const carried = carry(key, value[i], depth);
      if (carried !== value[i]) {
        copy ??= [...value];
        copy[i] = carried;
      }
    }
    return copy ?? value;
  }
  if (value instanceof Date) return { "!d": Number.isNaN(value.getTime()) ? null : value.getTime() };
  if (value instanceof Uint8Array) return { "!b": encodeBase64url(value) };
  if (value instanceof Map) return { "!m": [...value].map((pair) => pair.map((each) => carry(key, each, depth))) };
  if (value instanceof Set) return { "!s": [...value].map((each) => carry(key, each, depth)) };
  return carryPlain(key, value as Record<string, unknown>, depth);
}

function carryPlain(key: string, value: Record<string, unknown>, depth: number): unknown {
  const carried = carryEach(value, key, depth);
  const names = Object.keys(value);
  const [only] = names;
  return names.length === 1 && only?.startsWith("!") ? { "!o": [only, carried[only]] } : carried;
}

/**
 * The object with each of its values carried; itself when none needs a tag. Without `key` it is a session's data, and each
 * value is known by its own.
 */
export function carryEach(value: Record<string, unknown>, key?: string, depth = 0): Record<string, unknown> {
  let copy: Record<string, unknown> | null = null;
  for (const name of Object.keys(value)) {
    const carried = carry(key ?? name, value[name], depth);
    if (carried !== value[name]) {
      copy ??= { ...value };
      setOwn(copy, name, carried);
    }
  }
  return copy ?? value;
}

function refusal(key: string, what: string): TypeError {
  return new TypeError(
    `session key ${JSON.stringify(key)} cannot hold ${what}; store JSON, Date, bigint, Uint8Array, Map or Set`,
  );
}

/** A value's text, another one whenever the value is another, in type as well as in content. */
export function printValue(key: string, value: unknown): string {
  const carried = carry(key, value);
  return (carried === value ? "" : "!") + JSON.stringify(carried);
}

/** What {@link carry} was given, for what it returned. A tag that is not known stays as it is. */
export function uncarry(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(uncarry);
  const entries = Object.entries(value);
  const [first] = entries;
  const read = entries.length === 1 && first !== undefined ? readers[first[0]] : undefined;
  return read === undefined ? uncarryEach(value) : read(first?.[1]);
}

// biome-ignore lint/suspicious/noExplicitAny: verified before, and as `carry` wrote it
const readers: Readonly<Record<string, (inner: any) => unknown>> = {
  __proto__: null as never,
  "!f": Number,
  "!n": BigInt,
  "!u": () => undefined,
  "!d": (ms) => new Date(ms ?? Number.NaN),
  "!b": (text) => new Uint8Array(Buffer.from(text, "base64url")),
  "!m": (pairs) => new Map(pairs.map(uncarry)),
  "!s": (values) => new Set(values.map(uncarry)),
  "!o": ([key, value]) => Object.fromEntries([[key, uncarry(value)]]),
};

/** An object's values, each on its own: the object itself is no tag, whatever it looks like. */
export function uncarryEach(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, uncarry(inner)]));
}

/** The value with objects of its own, as far as they are of kinds that a session carries; others stay as they are. */
export function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && !kinds.has(prototype)) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [copyOf(key), copyOf(inner)]));
  if (value instanceof Set) return new Set([...value].map(copyOf));
  if (value instanceof Date) return new Date(value);
  if (value instanceof Uint8Array) return value.slice();
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)]));
}

/** Sets a key of the object's own, also `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}
