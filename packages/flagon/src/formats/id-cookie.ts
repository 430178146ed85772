import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { decodeBase64url, encodeBase64url, lengthPrefixed } from "../crypto/bytes.ts";
import type { KeyRing, SecretKeys } from "../crypto/keys.ts";
import { KIND_STORE_COOKIE, keyIdOf } from "../crypto/seal.ts";

const ID_START = 5;
const MAC_START = 21;
const BYTES = 37;
const CHARACTERS = 50;

/** What a store's cookie says, once its MAC was found good: no I/O is spent on a forged id. */
export interface IdCookie {
  readonly id: string;
  /** An older secret signed it: the browser gets a new cookie. */
  readonly outdated: boolean;
}

/** Bytes: 0x02, key id (4), id (16), then the first 16 of HMAC-SHA256 over those, and the cookie's name with its length. */
export function writeIdCookie(id: string, cookieName: string, ring: KeyRing): string {
  const keys = ring.current();
  const bytes = Buffer.allocUnsafe(BYTES);
  bytes[0] = KIND_STORE_COOKIE;
  bytes.writeUInt32BE(keys.id, 1);
  bytes.write(id, ID_START, "base64url");
  macOf(bytes, cookieName, keys).copy(bytes, MAC_START);
  return encodeBase64url(bytes);
}

/** Null for any text that {@link writeIdCookie} did not write with a secret in use. */
export function readIdCookie(value: string, cookieName: string, ring: KeyRing): IdCookie | null {
  const bytes = value.length === CHARACTERS ? decodeBase64url(value) : null;
  if (bytes === null || bytes[0] !== KIND_STORE_COOKIE) return null;
  const keys = ring.find(keyIdOf(bytes));
  if (keys === undefined || !timingSafeEqual(macOf(bytes, cookieName, keys), bytes.subarray(MAC_START))) return null;
  return { id: encodeBase64url(bytes.subarray(ID_START, MAC_START)), outdated: keys.id !== ring.current().id };
}

function macOf(bytes: Buffer, cookieName: string, keys: SecretKeys): Buffer {
  const hmac = createHmac("sha256", keys.key("id"));
  return hmac
    .update(bytes.subarray(0, MAC_START))
    .update(lengthPrefixed(cookieName))
    .digest()
    .subarray(0, BYTES - MAC_START);
}

/**
 * Whether the text can be a session's id. It may come straight from a form: any other could name a row that is no session's,
 * such as the mark by which a user was signed out everywhere, or fill the store with rows of its own.
 */
export function isId(id: string | undefined): id is string {
  return typeof id === "string" && /^[\w-]{22}$/.test(id);
}
