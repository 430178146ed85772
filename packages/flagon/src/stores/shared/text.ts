import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/**
 * Ids and user ids are any JavaScript string, and no engine keeps all of those: PostgreSQL refuses U+0000, UTF-8 has no
 * lone surrogates, a C client may stop at a NUL. As the inside of a JSON string each becomes text that every engine
 * keeps, no two the same, and an ordinary id stays what it was, so that a table can be searched by hand.
 */
export function toText(value: string): string {
  return ordinary.test(value) ? value : JSON.stringify(value).slice(1, -1);
}

/** What {@link toText} was given. Throws a `SyntaxError` for text that it never returns. */
export function fromText(text: string): string {
  if (!text.includes("\\")) return text;
  const value: unknown = JSON.parse(`"${text}"`);
  return String(value);
}

/**
 * The same for a key whose length an engine bounds (a PostgreSQL index, a Redis key name): text of more than
 * `bytesMax` bytes is replaced by its digest. The quote in front keeps digests apart from texts, which never hold a bare one.
 */
export function toKey(value: string, bytesMax: number): string {
  const text = toText(value);
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  return `"${createHash("sha256").update(text).digest("base64url")}`;
}

/** Anything without quotes, backslashes, control characters and surrogates is its own text. */
const ordinary = /^[ !#-[\]-~\u00a0-\ud7ff]*$/;

/**
 * A table's name goes into SQL text, where no parameter can stand: letters, digits and `_`. Throws a `TypeError` for any
 * other, and for more than 40 characters, since an engine cuts the longer names of its indexes.
 */
export function quoteName(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(name)) return `"${name}"`;
  throw new TypeError(`${JSON.stringify(name)} can't be a table's name: use letters, digits and _, at most 40`);
}
