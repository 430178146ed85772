import { timingSafeEqual } from "node:crypto";
import { Buffer, decodeBase64url, encodeBase64url, randomBytes } from "./bytes.ts";

/** A token of the first MAC, under a fresh mask: a page compressed with a visitor's input does not give it away (BREACH). */
export function createCsrfToken([mac]: readonly Buffer[]): string {
  const mask = randomBytes(32);
  return encodeBase64url(Buffer.concat([mask, xor(mask, mac as Buffer)]));
}

/** With each secret in use: a page that was open when the secret changed can still send its form. */
export function isCsrfToken(text: string, macs: readonly Buffer[]): boolean {
  const bytes = typeof text === "string" ? decodeBase64url(text) : null;
  if (bytes?.length !== 64) return false;
  const unmasked = xor(bytes.subarray(0, 32), bytes.subarray(32));
  return macs.some((mac) => timingSafeEqual(unmasked, mac));
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] as number));
}
