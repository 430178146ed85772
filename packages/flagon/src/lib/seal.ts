import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { RejectReason } from "../codec.ts";
import { fillRandom } from "./bytes.ts";
import { type HourlyPurpose, hourOf, type KeyRing } from "./keys.ts";

/** The first byte says what a sealed text is, so that none is ever taken for another. */
export const KIND_COOKIE = 0x01;
export const KIND_STORE_COOKIE = 0x02;
export const KIND_ROW = 0x03;

const HEAD_BYTES = 8;
const NONCE_BYTES = 12;
/** All sixteen: node:crypto would take a tag cut to four, which a few billion tries forge. */
const TAG_BYTES = 16;
const CIPHERTEXT_START = HEAD_BYTES + NONCE_BYTES;
export const SEAL_OVERHEAD_BYTES: number = CIPHERTEXT_START + TAG_BYTES;

const cipherOptions = { authTagLength: TAG_BYTES };

/** What every seal here is bound to: its kind and purpose, and what the caller names in `context`. */
export interface SealKind {
  readonly kind: number;
  readonly purpose: HourlyPurpose;
}

export const sealedCookie: SealKind = { kind: KIND_COOKIE, purpose: "seal" };
export const sealedRow: SealKind = { kind: KIND_ROW, purpose: "store" };

/**
 * AES-256-GCM under the hour's key. Bytes: kind, key id (4), hour (3), nonce (12), ciphertext, tag (16); the associated
 * data is the first eight bytes and `context`.
 */
export function seal(what: SealKind, plaintext: Uint8Array, context: Buffer, ring: KeyRing, now: number): Buffer {
  const keys = ring.current();
  const hour = hourOf(now);
  const sealed = Buffer.allocUnsafe(plaintext.length + SEAL_OVERHEAD_BYTES);
  sealed[0] = what.kind;
  sealed.writeUInt32BE(keys.id, 1);
  sealed.writeUIntBE(hour, 5, 3);
  fillRandom(sealed, HEAD_BYTES, NONCE_BYTES);
  const nonce = sealed.subarray(HEAD_BYTES, CIPHERTEXT_START);
  const cipher = createCipheriv("aes-256-gcm", keys.hourly(what.purpose, hour), nonce, cipherOptions);
  cipher.setAAD(associatedData(sealed, context));
  cipher.update(plaintext).copy(sealed, CIPHERTEXT_START);
  cipher.final();
  cipher.getAuthTag().copy(sealed, sealed.length - TAG_BYTES);
  return sealed;
}

/**
 * The plaintext, or why there is none. What costs least is looked at first: a wrong kind, a secret not in use and an
 * hour out of bounds are refused before any key is derived.
 */
export function unseal(
  what: SealKind,
  sealed: Buffer,
  context: Buffer,
  ring: KeyRing,
  now: number,
  longestLifetimeMs: number,
): Buffer | RejectReason {
  if (sealed.length < SEAL_OVERHEAD_BYTES || sealed[0] !== what.kind) return "malformed";
  const keys = ring.find(sealed.readUInt32BE(1));
  if (keys === undefined) return "unknown_key";
  const hour = sealed.readUIntBE(5, 3);
  if (hour > hourOf(now) + 1 || hour < hourOf(now - longestLifetimeMs)) return "hour";
  const nonce = sealed.subarray(HEAD_BYTES, CIPHERTEXT_START);
  const decipher = createDecipheriv("aes-256-gcm", keys.hourly(what.purpose, hour), nonce, cipherOptions);
  decipher.setAAD(associatedData(sealed, context));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(CIPHERTEXT_START, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return "forged";
  }
  return plaintext;
}

/** The key id that sealed bytes name: 0 for bytes too short to name one. */
export function keyIdOf(sealed: Buffer): number {
  return sealed.length < HEAD_BYTES ? 0 : sealed.readUInt32BE(1);
}

/** The head is copied to where {@link sealContext} left room: one buffer less for each seal. */
function associatedData(sealed: Buffer, context: Buffer): Buffer {
  sealed.copy(context, 0, 0, HEAD_BYTES);
  return context;
}

/** What a seal is bound to besides its head, in the form that {@link seal} and {@link unseal} take. */
export function sealContext(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.alloc(HEAD_BYTES), ...parts]);
}
