import { createHmac, timingSafeEqual } from "node:crypto";
import type { SessionRecord } from "../codec.ts";
import { Buffer, decodeBase64url, encodeBase64url, lengthPrefixed } from "../crypto/bytes.ts";
import type { KeyRing, SecretKeys } from "../crypto/keys.ts";
import { KIND_STORE_COOKIE, keyIdOf } from "../crypto/seal.ts";

/*
 * A store's cookie. Bytes: 0x02, key id (4), id (16), generation (4), sign-in id (4), then the first 16 of HMAC-SHA256 over
 * those, and the cookie's name with its length.
 */
const ID_START = 5;
const GENERATION_START = 21;
const SIGN_IN_ID_START = 25;
const MAC_START = 29;
const BYTES = 45;
export const ID_COOKIE_CHARACTERS = 60;

/** What a store's cookie says, once its MAC was found good: no I/O is spent on a forged id. */
export interface IdCookie extends Pick<SessionRecord, "id" | "generation" | "signInId"> {
  /** An older secret signed it: the browser gets a new cookie. */
  readonly outdated: boolean;
}

/** The cookie that opens this session. */
export function writeIdCookie(session: Omit<IdCookie, "outdated">, cookieName: string, ring: KeyRing): string {
  const keys = ring.current();
  const bytes = Buffer.alloc(BYTES, KIND_STORE_COOKIE);
  bytes.writeUInt32BE(keys.id, 1);
  bytes.write(session.id, ID_START, "base64url");
  bytes.writeUInt32BE(session.generation, GENERATION_START);
  bytes.writeUInt32BE(session.signInId, SIGN_IN_ID_START);
  macOf(bytes, cookieName, keys).copy(bytes, MAC_START);
  return encodeBase64url(bytes);
}

/** Null for any text that {@link writeIdCookie} did not write with a secret in use. */
export function readIdCookie(value: string, cookieName: string, ring: KeyRing): IdCookie | null {
  const bytes = value.length === ID_COOKIE_CHARACTERS ? decodeBase64url(value) : null;
  if (bytes === null || bytes[0] !== KIND_STORE_COOKIE) return null;
  const keys = ring.find(keyIdOf(bytes));
  if (keys === undefined || !timingSafeEqual(macOf(bytes, cookieName, keys), bytes.subarray(MAC_START))) return null;
  return { ...sessionNamedIn(bytes), outdated: keys.id !== ring.current().id };
}

/** What the bytes say, whoever wrote them: the MAC is not looked at. */
export function sessionNamedIn(bytes: Buffer): Omit<IdCookie, "outdated"> {
  return {
    id: encodeBase64url(bytes.subarray(ID_START, GENERATION_START)),
    generation: bytes.readUInt32BE(GENERATION_START),
    signInId: bytes.readUInt32BE(SIGN_IN_ID_START),
  };
}

function macOf(bytes: Buffer, cookieName: string, keys: SecretKeys): Buffer {
  const hmac = createHmac("sha256", keys.key("id"));
  return hmac
    .update(bytes.subarray(0, MAC_START))
    .update(lengthPrefixed(cookieName))
    .digest()
    .subarray(0, BYTES - MAC_START);
}
