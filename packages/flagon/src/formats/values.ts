import { Buffer, encodeBase64url } from "../crypto/bytes.ts";

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
export function encodeValue(key: string, value: unknown, depth = 0): unknown {
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
      if (value === null) return null;
      if (depth === DEPTH_MAX || Object.getOwnPropertySymbols(value)[0]) break;
      // Of this very class: a Buffer, say, would come back as a Uint8Array.
      switch (Object.getPrototypeOf(value)) {
        case Date.prototype:
          return { "!d": (value as Date).getTime() };
        case Uint8Array.prototype:
          return { "!b": encodeBase64url(Buffer.from(value as Uint8Array)) };
        case Map.prototype:
          return { "!m": encodeValue(key, [...(value as Map<unknown, unknown>)], depth) };
        case Set.prototype:
          return { "!s": encodeValue(key, [...(value as Set<unknown>)], depth) };
        case Array.prototype: {
          // Names of an array's own are among its keys; holes are what `flat` leaves out.
          const { length } = value as unknown[];
          if ((value as unknown[]).flat(0).length !== length) throw cannotHold(key, "Array, which has holes");
          if (Object.keys(value).length !== length) break;
          return encodeValues(value, key, depth + 1);
        }
        case Object.prototype:
        case null: {
          const [name, another] = Object.keys(value);
          if (name?.startsWith("!") && another === undefined) {
            return { "!o": encodeValue(key, Object.entries(value)[0], depth) };
          }
          return encodeValues(value, key, depth + 1);
        }
      }
    }
  }
  throw cannotHold(key, (value as object).constructor?.name);
}

function cannotHold(key: string, what: string | undefined): TypeError {
  return new TypeError(
    `session key ${JSON.stringify(key)} cannot hold this ${what}; store plain JSON, Date, bigint, Uint8Array, Map or Set`,
  );
}

/**
 * The object or array with each of its values carried; itself when none needs a tag. Without `key` it is a session's data,
 * and each value is known by its own.
 */
export function encodeValues<Whole extends object>(whole: Whole, key?: string, depth = 0): Whole {
  return withEach(whole, (value, name) => encodeValue(key ?? name, value, depth));
}

/** The object or array with each of its values changed; itself when none is. */
function withEach<Whole extends object>(whole: Whole, change: (value: unknown, name: string) => unknown): Whole {
  const original = whole as Record<string, unknown>;
  let copy = original;
  for (const name of Object.keys(whole)) {
    const changed = change(copy[name], name);
    if (changed === copy[name]) continue;
    if (copy === original) copy = (Array.isArray(whole) ? [...whole] : { ...whole }) as typeof original;
    // The copy has each key as its own, also `__proto__`.
    copy[name] = changed;
  }
  return copy as Whole;
}

/** A value's text, another one whenever the value is another, in type as well as in content. */
export function valueText(key: string, value: unknown): string {
  return JSON.stringify(encodeValue(key, value));
}

/** What {@link encodeValue} was given, for what it returned. A tag that is not known stays as it is. */
export function decodeValue(value: unknown): unknown {
  if (Object(value) !== value) return value;
  const inside = decodeValues(value as object);
  // biome-ignore lint/suspicious/noExplicitAny: verified before, and as `encodeValue` wrote it
  const [[tag, inner] = [], another] = Object.entries<any>(inside);
  switch (another ?? tag) {
    case "!f":
      return Number(inner);
    case "!n":
      return BigInt(inner);
    case "!u":
      return undefined;
    case "!d":
      // What is no date at all has no number, which JSON writes as null.
      return new Date(inner ?? Number.NaN);
    case "!b":
      return new Uint8Array(Buffer.from(inner, "base64url"));
    case "!m":
      return new Map(inner);
    case "!s":
      return new Set(inner);
    case "!o":
      return Object.fromEntries([inner]);
  }
  return inside;
}

/** An object's values, each on its own: the object itself is no tag, whatever it looks like. */
export function decodeValues<Whole extends object>(whole: Whole): Whole {
  return withEach(whole, decodeValue);
}

/** The data with values of its own. Throws a `TypeError` that names the key for what a session cannot carry. */
export function copyOf(data: object): Record<string, unknown> {
  return decodeValues(JSON.parse(JSON.stringify(encodeValues(data))));
}

/** Sets a key of the object's own, also `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperties(target, Object.getOwnPropertyDescriptors({ [key]: value }));
  else target[key] = value;
}
