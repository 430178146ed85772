import { Buffer } from "node:buffer";
import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import { decodeBase64url, encodeBase64url, randomBytes } from "./bytes.ts";
import type { KeyRing, SecretKeys } from "./keys.ts";
import type { Visit } from "./visit.ts";

const MAC_BYTES = 32;

/** How a session's CSRF tokens are made and known again. */
export interface CsrfTokens {
  issue(visit: Visit): string;
  check(visit: Visit, text: string): boolean;
}

/** Tokens bound to the session's id, which `login` and `rotate` change. */
export function tokensById(ring: KeyRing): CsrfTokens {
  const macOf = (keys: SecretKeys, visit: Visit): Buffer => hmac(keys.lasting("csrf"), visit.record.id);
  return {
    issue: (visit) => {
      visit.keep();
      return mask(macOf(ring.current(), visit));
    },
    // With each secret in use: a page that was open when the secret changed can still send its form.
    check: (visit, text) => ring.all().some((keys) => isMasked(text, macOf(keys, visit))),
  };
}

const DATA_KEY = "_csrf";

/** Tokens for a format without ids: bound to a random value in the data and to who is signed in. */
export const tokensByData: CsrfTokens = {
  issue: (visit) => {
    if (typeof visit.draft.get(DATA_KEY) !== "string")
      visit.draft.set(DATA_KEY, encodeBase64url(randomBytes(MAC_BYTES)));
    return mask(hmac(String(visit.draft.get(DATA_KEY)), visit.record.userId ?? ""));
  },
  check: (visit, text) => {
    const key = visit.draft.get(DATA_KEY);
    return typeof key === "string" && isMasked(text, hmac(key, visit.record.userId ?? ""));
  },
};

/** Under a fresh one-time mask, so that a page compressed with a visitor's input does not give the token away (BREACH). */
function mask(mac: Buffer): string {
  const pad = randomBytes(MAC_BYTES);
  return encodeBase64url(Buffer.concat([pad, xor(pad, mac)]));
}

function isMasked(text: string, mac: Buffer): boolean {
  const bytes = typeof text === "string" ? decodeBase64url(text) : null;
  if (bytes?.length !== 2 * MAC_BYTES) return false;
  return timingSafeEqual(xor(bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)), mac);
}

function hmac(key: KeyObject | string, text: string): Buffer {
  return createHmac("sha256", key).update(text, "utf8").digest();
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] as number)));
}
