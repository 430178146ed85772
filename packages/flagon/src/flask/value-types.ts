import { Buffer } from "node:buffer";

declare const isTuple: unique symbol;

/** The type of {@link tuple}'s arrays: `Tuple<[method: string, status: number]>`. */
export type Tuple<Items extends readonly unknown[] = readonly unknown[]> = Readonly<Items> & {
  readonly [isTuple]: true;
};

const TupleArray = class Tuple extends Array<unknown> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
};

/**
 * Python's `tuple`: an array that can't be changed, as there. `instanceof Tuple` tells it from a list; `map`, `filter` and
 * the like give plain arrays. Made by {@link tuple}, not by `new`.
 */
export const Tuple: abstract new () => Tuple = TupleArray as unknown as abstract new () => Tuple;

/** `tuple("GET", 200)` is Python's `("GET", 200)`. */
export function tuple<const Items extends readonly unknown[]>(...items: Items): Tuple<Items> {
  const made = new TupleArray();
  made.push(...items);
  return Object.freeze(made) as unknown as Tuple<Items>;
}

/**
 * MarkupSafe's `Markup`: text that the Flask app vouches for as safe HTML. Template engines here know nothing of it and
 * escape its text, which shows the tags but harms nobody; who wants it as HTML writes `.html`, and so says it.
 */
export class Markup {
  readonly html: string;

  constructor(html: string) {
    if (typeof html !== "string") throw new TypeError("new Markup(html) needs a string");
    this.html = html;
  }

  toString(): string {
    return this.html;
  }

  toJSON(): string {
    return this.html;
  }
}

/** Python's `uuid.UUID`. Compare by `text`: two objects are two objects. */
export class Uuid {
  /** Lower case, with hyphens, as `crypto.randomUUID()` writes one. */
  readonly text: string;

  /** Takes the 32 hexadecimal digits with or without hyphens; a `TypeError` for anything else. */
  constructor(text: string) {
    const match = typeof text === "string" ? uuidPattern.exec(text) : null;
    if (match === null) throw new TypeError("new Uuid(text) needs a UUID such as crypto.randomUUID() gives");
    this.text = match.slice(1).join("-").toLowerCase();
  }

  /** The 32 digits alone, as Flask's cookie holds them. */
  get hex(): string {
    return this.text.replaceAll("-", "");
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

const uuidPattern = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i;

/**
 * A `Date` that Flask's cookie can carry: cut to the whole second, since the cookie keeps no smaller part of one. Default:
 * now. It is a Python `datetime` in UTC on the other side.
 */
export function datetime(from: Date | number | string = Date.now()): Date {
  const ms = new Date(from).getTime();
  if (!isDateCarried(Math.floor(ms / 1_000) * 1_000))
    throw new TypeError("datetime(from) needs a date between the years 100 and 9999");
  return new Date(Math.floor(ms / 1_000) * 1_000);
}

/** Before the year 100 Python's reader of such dates takes the year for one of 1969 to 2068. */
const DATE_MS_MIN = Date.UTC(100, 0, 1);
const DATE_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59);

/** Whether the moment comes back from Flask's cookie as it went in: whole seconds, years 100 to 9999. */
export function isDateCarried(ms: number): boolean {
  return ms >= DATE_MS_MIN && ms <= DATE_MS_MAX && ms % 1_000 === 0;
}

const dateTextPattern =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

/** The moment of an HTTP date (RFC 9110, section 5.6.7); null for text in any other form. */
export function parseHttpDate(text: string): Date | null {
  const date = dateTextPattern.test(text) ? new Date(text) : null;
  return date !== null && isDateCarried(date.getTime()) && writeHttpDate(date) === text ? date : null;
}

export function writeHttpDate(date: Date): string {
  return date.toUTCString();
}

/** Standard base64 with padding, as Python's `b64encode` writes it; null for text in any other form. */
export function parseBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? new Uint8Array(bytes) : null;
}

export function writeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
