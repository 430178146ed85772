import { Buffer } from "node:buffer";
import { encodeBase64url } from "./bytes.ts";

/**
 * What a session can hold: JSON, and with tags `Date`, `bigint`, `Uint8Array`, `Map`, `Set`, `undefined` and the numbers
 * that JSON has no words for. In the tagged form such a value is an object with one key that begins with "!"; an object
 * of the visitor's own that looks like one is wrapped as "!o". Whether a session is tagged is said once, outside the
 * JSON, so that plain sessions never look for tags.
 */

/** Deeper than this and a value is refused: no page needs it, and the stack is not bottomless. */
const DEPTH_MAX = 100;

/**
 * Whether the value needs the tagged form. Throws a `TypeError` that names the key for what cannot be carried exactly:
 * functions, symbols, class instances, arrays with holes, circles.
 */
export function needsTags(key: string, value: unknown): boolean {
  return walk(key, value, 0, []);
}

function walk(key: string, value: unknown, depth: number, above: object[]): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return false;
    case "number":
      return !Number.isFinite(value) || Object.is(value, -0);
    case "bigint":
    case "undefined":
      return true;
    case "object":
      return value !== null && walkObject(key, value, depth, above);
    default:
      throw refusal(key, `a ${typeof value}`);
  }
}

function walkObject(key: string, value: object, depth: number, above: object[]): boolean {
  if (above.includes(value)) throw refusal(key, "a value that contains itself");
  if (depth >= DEPTH_MAX) throw refusal(key, `a value nested deeper than ${DEPTH_MAX}`);
  above.push(value);
  const tagged = walkInside(key, value, depth + 1, above);
  above.pop();
  return tagged;
}

function walkInside(key: string, value: object, depth: number, above: object[]): boolean {
  let tagged = false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!(i in value)) throw refusal(key, "an array with holes");
      if (walk(key, value[i], depth, above)) tagged = true;
    }
    return tagged;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    if (Object.getOwnPropertySymbols(value).length > 0) throw refusal(key, "an object with a symbol for a key");
    for (const inner of Object.values(value)) if (walk(key, inner, depth, above)) tagged = true;
    return tagged;
  }
  if (value instanceof Map) {
    for (const [k, v] of value) {
      walk(key, k, depth, above);
      walk(key, v, depth, above);
    }
    return true;
  }
  if (value instanceof Set) {
    for (const inner of value) walk(key, inner, depth, above);
    return true;
  }
  if (value instanceof Date || value instanceof Uint8Array) return true;
  throw refusal(key, `a ${nameOf(value)}`);
}

function refusal(key: string, what: string): TypeError {
  return new TypeError(
    `session key ${JSON.stringify(key)} holds ${what}, which cannot be stored; store JSON, Date, bigint, Uint8Array, Map or Set`,
  );
}

function nameOf(value: object): string {
  const maker: unknown = value.constructor;
  return typeof maker === "function" && maker.name !== "" ? maker.name : "class instance";
}

/** A value's text, another one whenever the value is another, in type as well as in content. */
export function printValue(key: string, value: unknown): string {
  return needsTags(key, value) ? `!${JSON.stringify(toTagged(value))}` : JSON.stringify(value);
}

/** The value with tags in place of what JSON cannot say. */
export function toTagged(value: unknown): unknown {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { "!f": Object.is(value, -0) ? "-0" : `${value}` };
    case "bigint":
      return { "!n": value.toString() };
    case "undefined":
      return { "!u": 0 };
    case "object":
      return value === null ? null : toTaggedObject(value);
    default:
      return value;
  }
}

function toTaggedObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(toTagged);
  if (value instanceof Date) return { "!d": Number.isNaN(value.getTime()) ? null : value.getTime() };
  if (value instanceof Uint8Array) return { "!b": encodeBase64url(value) };
  if (value instanceof Map) return { "!m": [...value].map(([k, v]) => [toTagged(k), toTagged(v)]) };
  if (value instanceof Set) return { "!s": [...value].map(toTagged) };
  const plain = mapValues(value, toTagged);
  const only = onlyKey(plain);
  return only?.startsWith("!") ? { "!o": [only, plain[only]] } : plain;
}

/** The inverse of {@link toTagged}. A tag that is not known stays as it is. */
export function fromTagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(fromTagged);
  const plain = value as Record<string, unknown>;
  const only = onlyKey(plain);
  const read = only === undefined ? undefined : readers[only];
  return read === undefined ? mapValues(plain, fromTagged) : read(plain[only as string]);
}

const readers: Readonly<Record<string, (inner: unknown) => unknown>> = Object.assign(Object.create(null), {
  "!f": (inner: unknown) => Number(inner),
  "!n": (inner: unknown) => BigInt(inner as string),
  "!u": () => undefined,
  "!d": (inner: unknown) => new Date(inner === null ? Number.NaN : (inner as number)),
  "!b": (inner: unknown) => new Uint8Array(Buffer.from(inner as string, "base64url")),
  "!m": (inner: unknown) => new Map((inner as [unknown, unknown][]).map(([k, v]) => [fromTagged(k), fromTagged(v)])),
  "!s": (inner: unknown) => new Set((inner as unknown[]).map(fromTagged)),
  "!o": (inner: unknown) => {
    const [key, wrapped] = inner as [string, unknown];
    return ownObject([[key, fromTagged(wrapped)]]);
  },
});

function onlyKey(value: object): string | undefined {
  const keys = Object.keys(value);
  return keys.length === 1 ? keys[0] : undefined;
}

function mapValues(value: object, change: (inner: unknown) => unknown): Record<string, unknown> {
  return ownObject(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}

/** An object with just these keys of its own: `__proto__` is a key like any other. */
export function ownObject(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries(entries);
}

/** Sets a key of the object's own, also `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[key] = value;
  }
}
