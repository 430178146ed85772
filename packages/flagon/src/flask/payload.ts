import { Buffer } from "node:buffer";
import { deflateSync, inflateSync } from "node:zlib";
import { decodeBase64url, encodeBase64url } from "../crypto/bytes.ts";
import { Unreadable } from "./python-json.ts";

/**
 * How many bytes of text a session may have, inflated. A cookie of 4 KB can be inflated to 4 MB, and whoever makes an app
 * store a long run of one letter would have every later request pay for it. A session of this size that fits a cookie is
 * one that repeats itself sixty times over.
 */
export const TEXT_BYTES_MAX: number = 256 * 1_024;

/**
 * The text of a payload whose signature was found good: base64url, and zlib when it begins with a dot. Whether compressing
 * was worth it is the writer's business and not looked at. Throws {@link Unreadable}.
 */
export function readPayload(payload: string): string {
  const isCompressed = payload.startsWith(".");
  const bytes = decodeBase64url(isCompressed ? payload.slice(1) : payload);
  if (bytes === null) throw new Unreadable();
  try {
    return utf8.decode(isCompressed ? inflateSync(bytes, { maxOutputLength: TEXT_BYTES_MAX }) : bytes);
  } catch (cause) {
    throw new Unreadable(undefined, { cause });
  }
}

/** Compressed where that is shorter, as `itsdangerous.URLSafeSerializer` does. Null for text that is too long to read again. */
export function writePayload(text: string): string | null {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length > TEXT_BYTES_MAX) return null;
  const compressed = deflateSync(bytes);
  return compressed.length < bytes.length - 1 ? `.${encodeBase64url(compressed)}` : encodeBase64url(bytes);
}

/** `ignoreBOM` keeps the mark in the text, where it is no JSON, in Python as here. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
