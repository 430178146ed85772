import { setOwn } from "../formats/values.ts";
import { readNumber, writeNumber } from "./python-number.ts";

/**
 * Deeper nesting is refused, on reading as on writing: Flask itself can't write much deeper (Python's recursion limit), and
 * what is opened here must be possible to seal.
 */
export const DEPTH_MAX = 250;

/** A value that would not be written back as the text it was read from: `1.0` is the number 1 here. */
export class Noted {
  readonly value: unknown;
  readonly text: string;

  constructor(value: unknown, text: string) {
    this.value = value;
    this.text = text;
  }
}

/** JSON as it stands in the text: tags are ordinary objects here. */
export type Node = null | boolean | string | number | bigint | Noted | Node[] | { [key: string]: Node };

/**
 * Reads what Python's `json.loads` reads: JSON (RFC 8259), and `NaN`, `Infinity`, `-Infinity`. The last of two equal keys
 * wins. Throws {@link Unreadable} for any other text, and for nesting deeper than {@link DEPTH_MAX}.
 */
export function readJson(text: string): Node {
  return new Reader(text).readAll();
}

/** Thrown for text that Flask's reader would refuse, or that no Flask writes. Never leaves these rooms. */
export class Unreadable extends Error {}

const numberPattern = /-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|Infinity)|NaN/y;
/** What stands for itself: no quote, no backslash, no control character. */
const plainPattern = /[ !#-[\]-\uffff]*/y;
const escapePattern = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/y;
const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

class Reader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): Node {
    const node = this.#read(0);
    this.#skipBlanks();
    if (this.#position !== this.#text.length) throw new Unreadable();
    return node;
  }

  #read(depth: number): Node {
    if (depth > DEPTH_MAX) throw new Unreadable();
    this.#skipBlanks();
    switch (this.#text[this.#position]) {
      case '"':
        return this.#readString();
      case "{":
        return this.#readObject(depth + 1);
      case "[":
        return this.#readArray(depth + 1);
      case "t":
        return this.#readWord("true", true);
      case "f":
        return this.#readWord("false", false);
      case "n":
        return this.#readWord("null", null);
      default:
        return this.#readNumber();
    }
  }

  #readObject(depth: number): Node {
    const object: { [key: string]: Node } = {};
    this.#position++;
    if (this.#skip("}")) return object;
    do {
      this.#skipBlanks();
      if (this.#text[this.#position] !== '"') throw new Unreadable();
      const key = this.#readString();
      if (!this.#skip(":")) throw new Unreadable();
      setOwn(object, key, this.#read(depth));
    } while (this.#skip(","));
    if (!this.#skip("}")) throw new Unreadable();
    return object;
  }

  #readArray(depth: number): Node {
    const array: Node[] = [];
    this.#position++;
    if (this.#skip("]")) return array;
    do array.push(this.#read(depth));
    while (this.#skip(","));
    if (!this.#skip("]")) throw new Unreadable();
    return array;
  }

  #readString(): string {
    this.#position++;
    let value = this.#match(plainPattern)?.[0] ?? "";
    while (this.#text[this.#position] !== '"') {
      const match = this.#match(escapePattern);
      if (match === null) throw new Unreadable();
      const [, code, letter = ""] = match;
      value += code === undefined ? (escapes[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16));
      value += this.#match(plainPattern)?.[0] ?? "";
    }
    this.#position++;
    return value;
  }

  #readNumber(): Node {
    const text = this.#match(numberPattern)?.[0];
    if (text === undefined) throw new Unreadable();
    const value = readNumber(text);
    if (value === null) throw new Unreadable();
    return typeof value === "bigint" || writeNumber(value) === text ? value : new Noted(value, text);
  }

  #readWord<Value>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#position)) throw new Unreadable();
    this.#position += word.length;
    return value;
  }

  /** Whether the character is the next one after blanks; it is passed if so. */
  #skip(character: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #skipBlanks(): void {
    while (" \t\n\r".includes(this.#text[this.#position] ?? "x")) this.#position++;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#position = pattern.lastIndex;
    return match;
  }
}

/** The string as Python's `json.dumps` writes it: everything outside printable ASCII as `\uXXXX`, in lower case. */
export function writeString(text: string): string {
  return `"${text.replace(/["\\]|[^ -~]/g, escapeUnit)}"`;
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function escapeUnit(unit: string): string {
  return shortEscapes[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Python's order of strings, for `sort_keys`: by code point, where JavaScript's own is by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  for (let i = 0; ; ) {
    const left = a.codePointAt(i) ?? -1;
    const right = b.codePointAt(i) ?? -1;
    if (left !== right) return left - right;
    if (left === -1) return 0;
    i += left > 0xffff ? 2 : 1;
  }
}
