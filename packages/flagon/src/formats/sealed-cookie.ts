import type { Codec, SessionRecord } from "../codec.ts";
import { Buffer, encodeBase64url, lengthPrefixed } from "../crypto/bytes.ts";
import { KIND_COOKIE, keyIdOf, seal, unseal } from "../crypto/seal.ts";
import { SessionError } from "../errors.ts";
import { COOKIE_BYTES_MAX } from "../http/cookie.ts";
import { BoundedMap } from "../util/bounded-map.ts";
import { largestKeys } from "./largest-keys.ts";
import { decodeHead, decodeRecord, encodeRecord, type Plaintext } from "./record-bytes.ts";

/** A cookie that was verified, and the secret that it names. */
interface Verified {
  readonly value: string;
  readonly cookieName: string;
  readonly keyId: number;
  readonly plaintext: Plaintext;
}

/** Flagon's own format, version 1: everything in the cookie, under AES-256-GCM. */
export const sealed: Codec = {
  name: "sealed",
  bind({ keys, now, longestLifetimeMs, cacheSize }) {
    /** Cookies verified lately: a visitor's next request needs no cipher. At most 7 KB each. */
    const verified = new BoundedMap<string, Verified>(cacheSize);

    const remember = (value: string, cookieName: string, bytes: Buffer, plaintext: Buffer): Verified | null => {
      const read = decodeHead(plaintext);
      const known = read && { value, cookieName, keyId: keyIdOf(bytes), plaintext: read };
      if (known) verified.set(tagOf(value), known);
      return known;
    };

    return {
      open(value, cookieName) {
        let known: Verified | null | undefined = verified.get(tagOf(value));
        if (known?.value !== value || known.cookieName !== cookieName || keys.find(known.keyId) === undefined) {
          const bytes = Buffer.from(value.slice(0, COOKIE_BYTES_MAX), "base64url");
          // Written anew: the text that came is a part of the whole header, and would keep all of it in memory. And a
          // cookie has one spelling: see decodeBase64url.
          const own = encodeBase64url(bytes);
          if (own !== value) return "malformed";
          const plaintext = unseal(KIND_COOKIE, bytes, lengthPrefixed(cookieName), keys, now(), longestLifetimeMs);
          if (typeof plaintext === "string") return plaintext;
          known = remember(own, cookieName, bytes, plaintext);
          if (known === null) return "unreadable";
        }
        const record = decodeRecord(known.plaintext);
        if (known.keyId !== keys.current().id) record.outdated = true;
        return record;
      },

      /** Throws a `SessionError` "cookie_too_large" that names the largest keys. */
      seal(record, cookieName) {
        const plaintext = encodeRecord(record);
        const bytes = seal(KIND_COOKIE, plaintext, lengthPrefixed(cookieName), keys, now());
        const value = encodeBase64url(bytes);
        const size = cookieName.length + value.length;
        if (size > COOKIE_BYTES_MAX) throw tooLarge(record, size);
        remember(value, cookieName, bytes, plaintext);
        return value;
      },
    };
  },
};

/** What any two cookies differ in: 16 bytes of tag are in the last 22 characters, and a shorter key is hashed sooner. */
function tagOf(value: string): string {
  return value.slice(-22);
}

function tooLarge(record: SessionRecord, bytes: number): SessionError {
  return new SessionError(
    "cookie_too_large",
    `session cookie is ${bytes} bytes and browsers keep ${COOKIE_BYTES_MAX}; the largest keys are ${largestKeys(record)}; store less or pass a store`,
  );
}
