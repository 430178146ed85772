import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { BoundedMap } from "../util/bounded-map.ts";
import { listOf } from "../util/list.ts";
import { Buffer } from "./bytes.ts";
import { SECRET_WANTED, secretError, weaknessOf } from "./secret-strength.ts";

export type Secret = string | readonly string[] | undefined;

/** Derived keys are told apart by what they protect. */
type Purpose = "seal" | "store" | "id" | "csrf";

export const HOUR_MS = 3_600_000;

/**
 * So many keys of a secret are kept at most, about a kilobyte each: whoever has any cookie knows its key id, and can send
 * others of every hour in a session's life. What is pushed out is derived anew, in some 10 µs.
 */
const KEYS_MAX = 10_000;

/** Hours since 1970, as a sealed cookie carries them in three bytes. */
export function hourOf(now: number): number {
  return Math.floor(now / HOUR_MS);
}

/** The keys of one secret: HKDF-SHA256 (RFC 5869) with an empty salt, each kept once derived. */
export class SecretKeys {
  /** Names the secret in cookies and rows, so that a key is chosen and never tried. Four bytes, read as a number. */
  readonly id: number;
  readonly #secret: string;
  readonly #app: string;
  readonly #kept: BoundedMap<string, KeyObject> = new BoundedMap(KEYS_MAX);

  constructor(secret: string, app: string) {
    this.#secret = secret;
    this.#app = app;
    this.id = this.#derive("kid", 4).readUIntBE(0, 4);
  }

  /**
   * The key for a purpose: for "seal" and "store" the one of an hour, so that random nonces stay far below the 2^32
   * messages a key may seal (NIST SP 800-38D, section 8.3).
   */
  key(purpose: Purpose, hour?: number): KeyObject {
    const name = `${purpose}/${this.#app}${hour === undefined ? "" : `/${hour}`}`;
    let key = this.#kept.get(name);
    if (key === undefined) {
      key = createSecretKey(this.#derive(name, 32));
      this.#kept.set(name, key);
    }
    return key;
  }

  #derive(name: string, length: number): Buffer {
    return Buffer.from(hkdfSync("sha256", this.#secret, "", `flagon/v1/${name}`, length));
  }
}

/**
 * The secrets in use: the first seals, all open. A given secret is checked at construction; one that is missing throws at
 * first use, so that a build without the environment passes. A function is asked at each use and may change its answer:
 * rotation without a restart.
 */
export class KeyRing {
  readonly #ask: (() => Secret) | null;
  readonly #app: string;
  /** What the keys are of, as JSON: a function may give the same secrets in another list each time. */
  #given: string | undefined;
  #keys: readonly SecretKeys[] = [];

  constructor(secret: Secret | (() => Secret), app: string) {
    this.#app = app;
    this.#ask = typeof secret === "function" ? secret : null;
    if (typeof secret !== "function") this.#take(secret);
  }

  /** Throws a `TypeError` while no secret is set. */
  current(): SecretKeys {
    return this.all()[0] as SecretKeys;
  }

  /** The secret that a cookie or row names; undefined for one that was never or is no longer in use. */
  find(keyId: number): SecretKeys | undefined {
    return this.all().find(({ id }) => id === keyId);
  }

  /** The current one first. */
  all(): readonly SecretKeys[] {
    if (this.#ask !== null) this.#take(this.#ask());
    if (this.#keys.length === 0) throw secretError("is missing");
    return this.#keys;
  }

  #take(secret: Secret): void {
    const given = JSON.stringify(secret);
    if (given === this.#given) return;
    if (Array.isArray(secret) && secret.length === 0) throw secretError("is an empty list");
    const texts = Array.isArray(secret) ? listOf(secret, "secret", SECRET_WANTED) : [secret || []].flat();
    this.#keys = [...new Set(texts)].map((text) => {
      const weakness = weaknessOf(text);
      if (weakness !== null) throw secretError(weakness);
      return new SecretKeys(text, this.#app);
    });
    const ids = new Set(this.#keys.map(({ id }) => id));
    // A cookie names its key by four bytes: of two with the same ones it would mean either.
    if (ids.size < this.#keys.length) throw secretError("has the key id of another one in the list");
    this.#given = given;
  }
}
