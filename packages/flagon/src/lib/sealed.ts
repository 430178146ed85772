import type { Buffer } from "node:buffer";
import type { Codec, CodecContext, CookieFormat, RejectReason, SessionRecord } from "../codec.ts";
import { SessionError } from "../errors.ts";
import { BoundedMap } from "./bounded-map.ts";
import { decodeBase64url, encodeBase64url, lengthPrefixed } from "./bytes.ts";
import { COOKIE_BYTES_MAX } from "./cookie.ts";
import { largestKeys } from "./largest-keys.ts";
import { type Plaintext, readPlaintext, recordOf, writePlaintext } from "./plaintext.ts";
import { KIND_COOKIE, keyIdOf, seal, sealContext, unseal } from "./seal.ts";

/** Flagon's own format, version 1: everything in the cookie, under AES-256-GCM. */
export const sealed: Codec = {
  name: "sealed",
  bind: (context) => new SealedFormat(context),
};

/** How long the base64url of the shortest sealed cookie is: 36 bytes around 35 of clocks and `{"d":{}}`. */
const CHARACTERS_MIN = 106;

/** A tag takes the last 16 bytes, which its last 22 characters cover: enough to tell any two cookies apart. */
const TAG_CHARACTERS = 22;

interface Remembered {
  readonly value: string;
  readonly cookieName: string;
  readonly keyId: number;
  readonly plaintext: Plaintext;
}

class SealedFormat implements CookieFormat {
  readonly #context: CodecContext;
  /** Cookies verified lately: a visitor's next request needs no cipher. At most 4 KB of cookie and 3 KB of text each. */
  readonly #verified: BoundedMap<string, Remembered>;
  readonly #nameContexts: Map<string, Buffer> = new Map();

  constructor(context: CodecContext) {
    this.#context = context;
    this.#verified = new BoundedMap(context.cacheSize);
  }

  open(value: string, cookieName: string): SessionRecord | RejectReason {
    if (value.length < CHARACTERS_MIN || value.length > COOKIE_BYTES_MAX) return "malformed";
    const { keys } = this.#context;
    const remembered = this.#verified.get(value.slice(-TAG_CHARACTERS));
    if (remembered?.value === value && remembered.cookieName === cookieName) {
      return keys.find(remembered.keyId) === undefined ? "unknown_key" : this.#recordOf(remembered);
    }
    return this.#openUnknown(value, cookieName);
  }

  #openUnknown(value: string, cookieName: string): SessionRecord | RejectReason {
    const bytes = decodeBase64url(value);
    if (bytes === null) return "malformed";
    const { keys, now, longestLifetimeMs } = this.#context;
    const opened = unseal(KIND_COOKIE, bytes, this.#contextOf(cookieName), keys, now(), longestLifetimeMs);
    if (typeof opened === "string") return opened;
    const plaintext = readPlaintext(opened);
    if (plaintext === null) return "unreadable";
    // Written anew: the text that came is a part of the whole header, and would keep all of it in memory.
    const remembered = { value: encodeBase64url(bytes), cookieName, keyId: keyIdOf(bytes), plaintext };
    const record = this.#recordOf(remembered);
    this.#remember(remembered);
    return record;
  }

  /** Throws a `SessionError` "cookie_too_large" that names the largest keys. */
  seal(record: SessionRecord, cookieName: string): string {
    const { keys, now } = this.#context;
    const { bytes, plaintext } = writePlaintext(record);
    const sealed = seal(KIND_COOKIE, bytes, this.#contextOf(cookieName), keys, now());
    const value = encodeBase64url(sealed);
    if (cookieName.length + value.length > COOKIE_BYTES_MAX) throw tooLarge(record, cookieName.length + value.length);
    this.#remember({ value, cookieName, keyId: keyIdOf(sealed), plaintext });
    return value;
  }

  #recordOf({ plaintext, keyId }: Remembered): SessionRecord {
    const record = recordOf(plaintext);
    if (keyId !== this.#context.keys.current().id) record.outdated = true;
    return record;
  }

  #remember(remembered: Remembered): void {
    this.#verified.set(remembered.value.slice(-TAG_CHARACTERS), remembered);
  }

  /** Cached for the two names that one `Sessions` uses: `__Host-session`, and `session` on a loopback host. */
  #contextOf(cookieName: string): Buffer {
    let context = this.#nameContexts.get(cookieName);
    if (context === undefined) {
      context = sealContext(lengthPrefixed(cookieName));
      this.#nameContexts.set(cookieName, context);
    }
    return context;
  }
}

function tooLarge(record: SessionRecord, bytes: number): SessionError {
  return new SessionError(
    "cookie_too_large",
    `session cookie is ${bytes} bytes and browsers keep ${COOKIE_BYTES_MAX}; the largest keys are ${largestKeys(record)}; store less or pass a store`,
  );
}
