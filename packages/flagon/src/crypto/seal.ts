import {
  type CipherGCM,
  type CipherGCMOptions,
  createCipheriv,
  createDecipheriv,
  type DecipherGCM,
  type KeyObject,
} from "node:crypto";
import type { RejectReason } from "../errors.ts";
import { Buffer, randomBytes } from "./bytes.ts";
import { hourOf, type KeyRing, type SecretKeys } from "./keys.ts";

/** The first byte says what a sealed text is, so that none is ever taken for another. */
export const KIND_COOKIE = 0x01;
export const KIND_STORE_COOKIE = 0x02;
export const KIND_ROW = 0x03;

const HEAD_BYTES = 8;
const NONCE_BYTES = 12;
/** All sixteen: node:crypto would take a tag cut to four, which a few billion tries forge. */
const TAG_BYTES = 16;
const CIPHERTEXT_START = HEAD_BYTES + NONCE_BYTES;
/** Of the shortest sealed text, which holds nothing. */
export const SEALED_BYTES_MIN: number = CIPHERTEXT_START + TAG_BYTES;

/**
 * AES-256-GCM under the hour's key. Bytes: kind, key id (4), hour (3), nonce (12), ciphertext, tag (16); the associated
 * data is the first eight bytes and `context`.
 */
export function seal(kind: number, plaintext: Uint8Array, context: Buffer, ring: KeyRing, now: number): Buffer {
  const keys = ring.current();
  const head = Buffer.alloc(HEAD_BYTES, kind);
  head.writeUIntBE(keys.id, 1, 4);
  head.writeUIntBE(hourOf(now), 5, 3);
  const start = Buffer.concat([head, randomBytes(NONCE_BYTES)]);
  const cipher = prepare<CipherGCM>(createCipheriv, keys, start, context);
  return Buffer.concat([start, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/**
 * The plaintext, or why there is none. What costs least is looked at first: a wrong kind, a secret not in use and an
 * hour out of bounds are refused before any key is derived.
 */
export function unseal(
  kind: number,
  sealed: Buffer,
  context: Buffer,
  ring: KeyRing,
  now: number,
  longestLifetimeMs: number,
): Buffer | RejectReason {
  if (sealed.length < SEALED_BYTES_MIN || sealed[0] !== kind) return "malformed";
  const keys = ring.find(keyIdOf(sealed));
  if (keys === undefined) return "unknown_key";
  const hour = hourIn(sealed);
  if (hour > hourOf(now) + 1 || hour < hourOf(now - longestLifetimeMs)) return "hour";
  const decipher = prepare<DecipherGCM>(createDecipheriv, keys, sealed, context);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(CIPHERTEXT_START, -TAG_BYTES));
  try {
    decipher.final();
    return plaintext;
  } catch {
    return "forged";
  }
}

/** The key id that sealed bytes, and a store's cookie, name. */
export function keyIdOf(sealed: Buffer): number {
  return sealed.readUIntBE(1, 4);
}

/** The hour in which sealed bytes were sealed, counted from 1970. */
export function hourIn(sealed: Buffer): number {
  return sealed.readUIntBE(5, 3);
}

type Make<Cipher> = (algorithm: "aes-256-gcm", key: KeyObject, nonce: Buffer, options: CipherGCMOptions) => Cipher;

/** The cipher, or decipher, that the head and nonce of `sealed` ask for. */
function prepare<Cipher extends CipherGCM | DecipherGCM>(
  make: Make<Cipher>,
  keys: SecretKeys,
  sealed: Buffer,
  context: Buffer,
): Cipher {
  const key = keys.key(sealed[0] === KIND_ROW ? "store" : "seal", hourIn(sealed));
  const nonce = sealed.subarray(HEAD_BYTES, CIPHERTEXT_START);
  const cipher = make("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.concat([sealed.subarray(0, HEAD_BYTES), context]));
  return cipher;
}
