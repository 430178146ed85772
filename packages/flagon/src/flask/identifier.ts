import { Buffer } from "node:buffer";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { OpenRequest } from "../codec.ts";
import { COOKIE_BYTES_MAX } from "../http/cookie.ts";
import { readCookies } from "../http/cookie-header.ts";

/** Whose recipe makes `_id`: the releases 0.6 and before, or 0.7, in which the forwarded header is not looked at. */
export type IdentifierRecipe = "0.6" | "0.7";

/**
 * Flask-Login's `_id`: SHA-512 over the client's address and User-Agent (flask_login/utils.py, `_create_identifier`).
 * 0.6 takes the first address of `X-Forwarded-For`, whoever wrote that header, and hashes Python's text of both as bytes:
 * `b'127.0.0.1'|b'Mozilla/5.0 …'`.
 */
export function createIdentifier(request: OpenRequest, address: string | undefined, recipe: IdentifierRecipe): string {
  return createHash("sha512")
    .update(identifierText(request, address, recipe), "utf8")
    .digest("hex");
}

function identifierText(request: OpenRequest, address: string | undefined, recipe: IdentifierRecipe): string {
  const agent = request.header("user-agent");
  if (recipe === "0.7") return `${address ?? "None"}|${agent ?? ""}`;
  const forwarded = request.header("x-forwarded-for") ?? undefined;
  const from = forwarded === undefined ? address : (forwarded.split(",")[0] as string).replace(/^[ \t]+|[ \t]+$/g, "");
  return `${from === undefined ? "None" : bytesText(from)}|${agent == null ? "None" : bytesText(agent)}`;
}

/** Whether there is an address to make an identifier from. */
export function knowsAddress(request: OpenRequest, address: string | undefined, recipe: IdentifierRecipe): boolean {
  return address !== undefined || (recipe === "0.6" && request.header("x-forwarded-for") != null);
}

/** The text's UTF-8 as Python's `repr` shows bytes. */
function bytesText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let shown = "";
  for (const byte of Buffer.from(text, "utf8")) shown += byteText(byte, quote);
  return `b${quote}${shown}${quote}`;
}

function byteText(byte: number, quote: string): string {
  const character = String.fromCharCode(byte);
  if (character === quote || character === "\\") return `\\${character}`;
  if (character === "\t") return "\\t";
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  return byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, "0")}` : character;
}

/**
 * The user id that Flask-Login's remember cookie names: `user id|HMAC-SHA512 in hexadecimal`, under Flask's secret. Null
 * without the cookie, and for one that this secret did not sign. It carries no time: only a new secret ends it.
 */
export function readRememberToken(request: OpenRequest, cookieName: string, key: Uint8Array): string | null {
  const [first] = readCookies(request.header("cookie") ?? "", cookieName);
  // Longer than browsers keep: not worth the work.
  if (first === undefined || first.length > COOKIE_BYTES_MAX) return null;
  const token = unquote(first);
  const bar = token.lastIndexOf("|");
  const userId = token.slice(0, Math.max(bar, 0));
  const digest = token.slice(bar + 1);
  if (userId === "" || !/^[0-9a-f]{128}$/.test(digest)) return null;
  const expected = createHmac("sha512", key).update(userId, "utf8").digest();
  return timingSafeEqual(expected, Buffer.from(digest, "hex")) ? userId : null;
}

/** Takes back Werkzeug's quoting of a cookie value: `\303\274` is a "ü". Bytes that are no UTF-8 name nobody. */
function unquote(value: string): string {
  const bytes = value.replace(
    /\\(?:([0-3][0-7]{2})|(.))/g,
    (_, octal: string | undefined, character: string | undefined) =>
      octal === undefined ? (character ?? "") : String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
