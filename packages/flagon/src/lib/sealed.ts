import type { Buffer } from "node:buffer";
import type { Codec, SessionRecord } from "../codec.ts";
import { SessionError } from "../errors.ts";
import { BoundedMap } from "./bounded-map.ts";
import { decodeBase64url, encodeBase64url, lengthPrefixed } from "./bytes.ts";
import { COOKIE_BYTES_MAX } from "./cookie.ts";
import { largestKeys } from "./largest-keys.ts";
import { readPlaintext, writePlaintext } from "./plaintext.ts";
import { KIND_COOKIE, keyIdOf, seal, unseal } from "./seal.ts";

/** A cookie that was verified, and the secret that it names. */
interface Verified {
  readonly value: string;
  readonly cookieName: string;
  readonly keyId: number;
  readonly plaintext: Buffer;
}

/** Flagon's own format, version 1: everything in the cookie, under AES-256-GCM. */
export const sealed: Codec = {
  name: "sealed",
  bind({ keys, now, longestLifetimeMs, cacheSize }) {
    /** Cookies verified lately: a visitor's next request needs no cipher. At most 7 KB each. */
    const verified = new BoundedMap<string, Verified>(cacheSize);

    return {
      open(value, cookieName) {
        let known = verified.get(tagOf(value));
        if (known?.value !== value || known.cookieName !== cookieName || keys.find(known.keyId) === undefined) {
          const bytes = value.length > COOKIE_BYTES_MAX ? null : decodeBase64url(value);
          if (bytes === null) return "malformed";
          const plaintext = unseal(KIND_COOKIE, bytes, lengthPrefixed(cookieName), keys, now(), longestLifetimeMs);
          if (typeof plaintext === "string") return plaintext;
          // Written anew: the text that came is a part of the whole header, and would keep all of it in memory.
          known = { value: encodeBase64url(bytes), cookieName, keyId: keyIdOf(bytes), plaintext };
          verified.set(tagOf(known.value), known);
        }
        const record = readPlaintext(known.plaintext);
        if (record === null) return "unreadable";
        if (known.keyId !== keys.current().id) record.outdated = true;
        return record;
      },

      /** Throws a `SessionError` "cookie_too_large" that names the largest keys. */
      seal(record, cookieName) {
        const plaintext = writePlaintext(record);
        const bytes = seal(KIND_COOKIE, plaintext, lengthPrefixed(cookieName), keys, now());
        const value = encodeBase64url(bytes);
        const size = cookieName.length + value.length;
        if (size > COOKIE_BYTES_MAX) throw tooLarge(record, size);
        verified.set(tagOf(value), { value, cookieName, keyId: keyIdOf(bytes), plaintext });
        return value;
      },
    };
  },
};

/** What any two cookies differ in: 16 bytes of tag are in the last 22 characters. Sixteen times faster to look up. */
function tagOf(value: string): string {
  return value.slice(-22);
}

function tooLarge(record: SessionRecord, bytes: number): SessionError {
  return new SessionError(
    "cookie_too_large",
    `session cookie is ${bytes} bytes and browsers keep ${COOKIE_BYTES_MAX}; the largest keys are ${largestKeys(record)}; store less or pass a store`,
  );
}
