import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { decodeBase64url, encodeBase64url } from "../crypto/bytes.ts";
import type { RejectReason } from "../errors.ts";

/** What a signed text held, once its signature was found good. */
export interface Unsigned {
  readonly payload: string;
  /** Whole seconds since 1970. */
  readonly signedAt: number;
  /** The signature's own text: names this cookie and no other. */
  readonly signature: string;
  /** Whether an older secret signed it. */
  readonly byFallback: boolean;
}

const signedText = /^(\.?[A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{0,11})\.([A-Za-z0-9_-]+)$/;

/**
 * `payload.timestamp.signature`, as `itsdangerous.TimestampSigner` writes it with Flask's choices: the key is
 * HMAC(secret, salt), the signature HMAC(key, payload "." timestamp), the timestamp Unix seconds in as few bytes as hold
 * them, everything base64url without padding.
 *
 * Python reads base64 with junk in it, so one signature has many spellings there. Here it has one: a cookie that was ended
 * is remembered by its signature, and must not come back in another spelling.
 */
export class TimedSigner {
  readonly #digest: string;
  readonly #keys: readonly KeyObject[];
  readonly #csrfKeys: readonly KeyObject[];

  /**
   * The first secret signs, all open; with none at all, either throws. Throws a `TypeError` for a digest that this runtime
   * doesn't have.
   */
  constructor(secrets: readonly Uint8Array[], salt: string, digest: string) {
    hmac(digest, new Uint8Array(1), salt);
    this.#digest = digest;
    this.#keys = secrets.map((secret) => createSecretKey(hmac(digest, secret, salt)));
    this.#csrfKeys = secrets.map((secret) => createSecretKey(hmac("sha256", secret, "flagon/flask/csrf")));
  }

  sign(payload: string, now: number): string {
    const text = `${payload}.${encodeBase64url(secondsBytes(now))}`;
    return `${text}.${encodeBase64url(this.#signature(this.#firstKey(), text))}`;
  }

  /** Only what this answers may be decoded or inflated: before it, nothing but the signature is looked at. */
  unsign(text: string): Unsigned | RejectReason {
    this.#firstKey();
    const match = signedText.exec(text);
    if (match === null) return "malformed";
    const [, payload = "", timestamp = "", signature = ""] = match;
    const given = decodeBase64url(signature);
    if (given === null) return "malformed";
    const signed = `${payload}.${timestamp}`;
    const by = this.#keys.findIndex((key) => isEqual(this.#signature(key, signed), given));
    if (by === -1) return "forged";
    const bytes = decodeBase64url(timestamp);
    if (bytes === null || bytes.length > 8) return "malformed";
    return { payload, signedAt: Number(`0x0${bytes.toString("hex")}`), signature, byFallback: by > 0 };
  }

  /** What CSRF tokens are made of, for each secret: nobody who only reads the cookie can make one. 32 bytes each. */
  csrfMacs(text: string): readonly Buffer[] {
    this.#firstKey();
    return this.#csrfKeys.map((key) => createHmac("sha256", key).update(text, "utf8").digest());
  }

  #firstKey(): KeyObject {
    const [key] = this.#keys;
    if (key === undefined) {
      throw new TypeError(
        "flaskCodec has no secretKey; give it Flask's SECRET_KEY, such as process.env.FLASK_SECRET_KEY",
      );
    }
    return key;
  }

  #signature(key: KeyObject, text: string): Buffer {
    return createHmac(this.#digest, key).update(text).digest();
  }
}

function hmac(digest: string, key: Uint8Array, text: string): Buffer {
  try {
    return createHmac(digest, key).update(text, "utf8").digest();
  } catch (cause) {
    throw new TypeError(`flaskCodec: this runtime has no digest ${JSON.stringify(digest)}; Flask's own is "sha1"`, {
      cause,
    });
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Most significant byte first, none of the first ones zero. */
function secondsBytes(seconds: number): Buffer {
  const hex = seconds.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}
