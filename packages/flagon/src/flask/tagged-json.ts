import { setOwn } from "../formats/values.ts";
import { compareCodePoints, DEPTH_MAX, type Node, Noted, readJson, Unreadable, writeString } from "./python-json.ts";
import { INT_DIGITS_MAX, writeNumber } from "./python-number.ts";
import {
  isDateCarried,
  Markup,
  parseBase64,
  parseHttpDate,
  Tuple,
  tuple,
  Uuid,
  writeBase64,
  writeHttpDate,
} from "./value-types.ts";

/**
 * The format of Flask's `TaggedJSONSerializer` (flask/json/tag.py): what JSON has no words for is an object with one key,
 * the tag. A tag that isn't known here (an app may register its own) is an ordinary object, and stays as it is.
 */
const tags: ReadonlySet<string> = new Set([" di", " t", " b", " m", " u", " d"]);

/**
 * Texts to write again for values that nobody changed, by the object that holds them and the key in it. They go with the
 * object itself, so that moving it keeps them and a copy is a new value.
 */
const notes: WeakMap<object, Map<string, Noted>> = new WeakMap();

/** Objects that Flask wrote with its escape for what looks like a tag. Some app's own tag may be why. */
const escaped: WeakSet<object> = new WeakSet();

/** Reads a session's text. Throws {@link Unreadable} for what is no object, and for tags that hold what no Flask puts in. */
export function readTagged(text: string): Record<string, unknown> {
  const value = toValue(readJson(text));
  if (!isPlainObject(value)) throw new Unreadable();
  return value;
}

/** Writes a session as Flask does: keys sorted, no blanks, ASCII. Throws a `TypeError` for what it cannot carry. */
export function writeTagged(values: Record<string, unknown>): string {
  return write(values, 0);
}

/** Lets `to` write what is remembered of the values in `from`. */
export function copyNotes(from: object, to: object): void {
  const known = notes.get(from);
  if (known !== undefined) notes.set(to, known);
}

/**
 * The text of one value under a key of the session. Throws a `TypeError` that names the key for what Flask's cookie cannot
 * carry exactly.
 */
export function taggedText(key: string, value: unknown): string {
  try {
    return write(value, 1);
  } catch (error) {
    if (!(error instanceof NotCarried)) throw error;
    throw new TypeError(`session key ${JSON.stringify(key)} holds ${error.message}`, { cause: error });
  }
}

function toValue(node: Node): unknown {
  if (typeof node !== "object" || node === null || node instanceof Noted) return node;
  if (Array.isArray(node)) return toList(node);
  const keys = Object.keys(node);
  const only = keys.length === 1 ? (keys[0] as string) : "";
  if (tags.has(only)) return untag(only, node[only] as Node);
  const object = {};
  for (const key of keys) place(object, key, node[key] as Node);
  return object;
}

function toList(nodes: readonly Node[]): unknown[] {
  const list: unknown[] = [];
  for (const [index, node] of nodes.entries()) place(list, String(index), node);
  return list;
}

function place(owner: object, key: string, node: Node): void {
  const value = toValue(node);
  if (value instanceof Noted) {
    const known = notes.get(owner) ?? new Map<string, Noted>();
    notes.set(owner, known.set(key, value));
  }
  setOwn(owner as Record<string, unknown>, key, value instanceof Noted ? value.value : value);
}

function untag(tag: string, node: Node): unknown {
  if (tag === " t" && Array.isArray(node)) {
    const list = toList(node);
    const made = tuple(...list);
    copyNotes(list, made);
    return made;
  }
  if (tag === " di") return unescapeObject(node);
  if (typeof node !== "string") throw new Unreadable();
  const value = untagText(tag, node);
  if (value === null) throw new Unreadable();
  return value;
}

function untagText(tag: string, text: string): unknown {
  switch (tag) {
    case " b":
      return parseBase64(text);
    case " m":
      return new Markup(text);
    case " u":
      return /^[0-9a-f]{32}$/.test(text) ? new Uuid(text) : null;
    case " d":
      // Flask reads a date that isn't one as None.
      return parseHttpDate(text) ?? new Noted(null, `{" d":${writeString(text)}}`);
    default:
      return null;
  }
}

/** `{" di": {" t__": 1}}` is the ordinary object `{" t": 1}`. */
function unescapeObject(node: Node): object {
  if (typeof node !== "object" || node === null || Array.isArray(node) || node instanceof Noted) throw new Unreadable();
  const keys = Object.keys(node);
  const [key] = keys;
  if (keys.length !== 1 || key === undefined || !key.endsWith("__")) throw new Unreadable();
  const object = {};
  place(object, key.slice(0, -2), node[key] as Node);
  escaped.add(object);
  return object;
}

class NotCarried extends Error {}

function write(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw new NotCarried(`a value that contains itself, or is nested deeper than ${DEPTH_MAX}`);
  switch (typeof value) {
    case "string":
      return writeString(value);
    case "number":
      return writeNumber(value);
    case "boolean":
      return String(value);
    case "bigint":
      return writeBigint(value);
    case "object":
      return value === null ? "null" : writeObject(value, depth);
    default:
      throw new NotCarried(`${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}, ${unsupported}`);
  }
}

function writeBigint(value: bigint): string {
  if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
    throw new NotCarried(
      `${value}n, which would come back as a number: in Flask's cookie only integers past 2^53 are bigint`,
    );
  }
  const text = String(value);
  if (text.length > INT_DIGITS_MAX)
    throw new NotCarried(`a bigint of more than ${INT_DIGITS_MAX} digits, which Python refuses`);
  return text;
}

function writeObject(value: object, depth: number): string {
  if (value instanceof Tuple) return `{" t":${writeList(value, depth + 2)}}`;
  if (Array.isArray(value)) return writeList(value, depth + 1);
  if (value instanceof Uint8Array) return writeTag(" b", writeBase64(value), depth);
  if (value instanceof Markup) return writeTag(" m", value.html, depth);
  if (value instanceof Uuid) return writeTag(" u", value.hex, depth);
  if (value instanceof Date) return writeTag(" d", writeDate(value), depth);
  if (isPlainObject(value)) return writeDict(value, depth + 1);
  throw new NotCarried(`a ${nameOf(value)}, ${unsupported}`);
}

function writeTag(tag: string, text: string, depth: number): string {
  return `{"${tag}":${write(text, depth + 1)}}`;
}

function writeDate(date: Date): string {
  if (!isDateCarried(date.getTime())) {
    throw new NotCarried(
      "a date that Flask's cookie cannot carry: it keeps whole seconds of the years 100 to 9999; store datetime(date)",
    );
  }
  return writeHttpDate(date);
}

function writeList(list: readonly unknown[], depth: number): string {
  // Array.from: a hole is undefined, and refused as that.
  return `[${Array.from(list, (item, index) => writeItem(list, String(index), item, depth)).join(",")}]`;
}

function writeDict(object: Record<string, unknown>, depth: number): string {
  if (Object.getOwnPropertySymbols(object).length > 0)
    throw new NotCarried(`an object with a symbol for a key, ${unsupported}`);
  const keys = Object.keys(object).sort(compareCodePoints);
  const only = keys.length === 1 ? (keys[0] as string) : undefined;
  if (only !== undefined && (tags.has(only) || escaped.has(object))) {
    return `{" di":{${writeString(`${only}__`)}:${writeItem(object, only, object[only], depth + 1)}}}`;
  }
  return `{${keys.map((key) => `${writeString(key)}:${writeItem(object, key, object[key], depth)}`).join(",")}}`;
}

function writeItem(owner: object, key: string, value: unknown, depth: number): string {
  const note = notes.get(owner)?.get(key);
  return note !== undefined && Object.is(note.value, value) ? note.text : write(value, depth);
}

const unsupported =
  "which Flask's cookie cannot carry; store JSON, bigint, Uint8Array, Tuple, Uuid, Markup, or a Date made by datetime()";

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function nameOf(value: object): string {
  const maker: unknown = value.constructor;
  return typeof maker === "function" && maker.name !== "" ? maker.name : "class instance";
}
