import { Buffer } from "node:buffer";
import { Markup, Tuple, tuple, Uuid } from "flagon/flask";
import type { Description } from "./peer.ts";

/** A TypeScript value as Python would describe it: numbers as int where they are whole and up to 2^53, else as float. */
export function describeValue(value: unknown): Description {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return { int: String(value) };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? { int: String(value) } : describeFloat(value);
  }
  if (value instanceof Markup) return { markup: value.html };
  if (value instanceof Uuid) return { uuid: value.text };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (value instanceof Date) return { datetime: value.getTime() / 1_000 };
  if (value instanceof Tuple) return { tuple: value.map(describeValue) };
  if (Array.isArray(value)) return value.map(describeValue);
  return describeDict(value as object);
}

function describeDict(value: object): Description {
  const entries = Object.entries(value).map(([key, inner]): [string, Description] => [key, describeValue(inner)]);
  return { dict: sortByCodePoint(entries) };
}

export function describeFloat(value: number): Description {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return { float: Number.isNaN(value) ? "nan" : bytes.toString("hex") };
}

/** The TypeScript value that Python's value is to become. */
export function madeOf(description: Description): unknown {
  if (Array.isArray(description)) return description.map(madeOf);
  if (typeof description !== "object" || description === null) return description;
  if ("int" in description) {
    const number = Number(description.int);
    return Number.isSafeInteger(number) ? number : BigInt(description.int);
  }
  if ("float" in description) {
    return description.float === "nan" ? Number.NaN : Buffer.from(description.float, "hex").readDoubleBE();
  }
  if ("markup" in description) return new Markup(description.markup);
  if ("bytes" in description) return new Uint8Array(Buffer.from(description.bytes, "base64"));
  if ("uuid" in description) return new Uuid(description.uuid);
  if ("datetime" in description) return new Date(description.datetime * 1_000);
  if ("tuple" in description) return tuple(...description.tuple.map(madeOf));
  return Object.fromEntries(description.dict.map(([key, inner]) => [key, madeOf(inner)]));
}

/** The order of Python's `sorted`. */
export function sortByCodePoint(entries: readonly [string, Description][]): [string, Description][] {
  return [...entries].sort(([a], [b]) => {
    const left = Array.from(a, (character) => character.codePointAt(0) as number);
    const right = Array.from(b, (character) => character.codePointAt(0) as number);
    const at = left.findIndex((code, index) => code !== right[index]);
    return at === -1 ? left.length - right.length : (left[at] as number) - (right[at] ?? -1);
  });
}
