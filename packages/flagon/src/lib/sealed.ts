import type { Buffer } from "node:buffer";
import type { Codec, SessionRecord } from "../codec.ts";
import { SessionError } from "../errors.ts";
import { BoundedMap } from "./bounded-map.ts";
import { decodeBase64url, encodeBase64url, lengthPrefixed } from "./bytes.ts";
import { COOKIE_BYTES_MAX } from "./cookie.ts";
import { largestKeys } from "./largest-keys.ts";
import { type Plaintext, readPlaintext, recordOf, writePlaintext } from "./plaintext.ts";
import { KIND_COOKIE, keyIdOf, seal, sealContext, unseal } from "./seal.ts";

/** A tag takes the last 16 bytes, which its last 22 characters cover: enough to tell any two cookies apart. */
const TAG_CHARACTERS = 22;

interface Remembered {
  readonly value: string;
  readonly cookieName: string;
  readonly keyId: number;
  readonly plaintext: Plaintext;
}

/** Flagon's own format, version 1: everything in the cookie, under AES-256-GCM. */
export const sealed: Codec = {
  name: "sealed",
  bind: ({ keys, now, longestLifetimeMs, cacheSize }) => {
    /** Cookies verified lately: a visitor's next request needs no cipher. At most 4 KB of cookie and 3 KB of text each. */
    const verified = new BoundedMap<string, Remembered>(cacheSize);
    /** For the two names that one `Sessions` uses: `__Host-session`, and `session` on a loopback host. */
    const contexts = new Map<string, Buffer>();

    const remember = (value: string, cookieName: string, bytes: Buffer, plaintext: Plaintext): Remembered => {
      const remembered = { value, cookieName, keyId: keyIdOf(bytes), plaintext };
      verified.set(value.slice(-TAG_CHARACTERS), remembered);
      return remembered;
    };

    const contextOf = (cookieName: string): Buffer => {
      const context = contexts.get(cookieName) ?? sealContext(lengthPrefixed(cookieName));
      contexts.set(cookieName, context);
      return context;
    };

    return {
      open(value, cookieName) {
        let known = verified.get(value.slice(-TAG_CHARACTERS));
        if (known?.value !== value || known.cookieName !== cookieName || keys.find(known.keyId) === undefined) {
          const bytes = value.length > COOKIE_BYTES_MAX ? null : decodeBase64url(value);
          if (bytes === null) return "malformed";
          const opened = unseal(KIND_COOKIE, bytes, contextOf(cookieName), keys, now(), longestLifetimeMs);
          if (typeof opened === "string") return opened;
          const plaintext = readPlaintext(opened);
          if (plaintext === null) return "unreadable";
          // Written anew: the text that came is a part of the whole header, and would keep all of it in memory.
          known = remember(encodeBase64url(bytes), cookieName, bytes, plaintext);
        }
        const record = recordOf(known.plaintext);
        if (known.keyId !== keys.current().id) record.outdated = true;
        return record;
      },

      /** Throws a `SessionError` "cookie_too_large" that names the largest keys. */
      seal(record, cookieName) {
        const { bytes, plaintext } = writePlaintext(record);
        const sealed = seal(KIND_COOKIE, bytes, contextOf(cookieName), keys, now());
        const value = encodeBase64url(sealed);
        const size = cookieName.length + value.length;
        if (size > COOKIE_BYTES_MAX) throw tooLarge(record, size);
        return remember(value, cookieName, sealed, plaintext).value;
      },
    };
  },
};

function tooLarge(record: SessionRecord, bytes: number): SessionError {
  return new SessionError(
    "cookie_too_large",
    `session cookie is ${bytes} bytes and browsers keep ${COOKIE_BYTES_MAX}; the largest keys are ${largestKeys(record)}; store less or pass a store`,
  );
}
