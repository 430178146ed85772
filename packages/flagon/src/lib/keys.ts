import { Buffer } from "node:buffer";
import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { BoundedMap } from "./bounded-map.ts";
import { requireStrong } from "./secret.ts";

export type Secret = string | readonly string[] | undefined;

/** Which derived keys are told apart: by what they protect, and by whether they last an hour or as long as the secret. */
export type HourlyPurpose = "seal" | "store";
export type LastingPurpose = "id" | "csrf";

const HOUR_MS = 3_600_000;

/**
 * So many hours' keys are kept at most, about a kilobyte each: whoever has any cookie knows its key id, and can send others
 * of every hour in a session's life. Twice the 400 days for which browsers keep a cookie.
 */
const HOURLY_MAX = 2 * 400 * 24;

/** Hours since 1970, as a sealed cookie carries them in three bytes. */
export function hourOf(now: number): number {
  return Math.floor(now / HOUR_MS);
}

/** The keys of one secret: HKDF-SHA256 (RFC 5869) with an empty salt, each kept once derived. */
export class SecretKeys {
  /** Names the secret in cookies and rows, so that a key is chosen and never tried. Four bytes, read as a number. */
  readonly id: number;
  readonly #material: KeyObject;
  readonly #app: string;
  readonly #lasting: BoundedMap<string, KeyObject> = new BoundedMap(8);
  readonly #hourly: BoundedMap<string, KeyObject>;

  constructor(secret: string, app: string, hoursKept: number) {
    this.#material = createSecretKey(Buffer.from(secret, "utf8"));
    this.#app = app;
    this.#hourly = new BoundedMap(Math.min(hoursKept, HOURLY_MAX));
    this.id = Buffer.from(this.#derive("kid", 4)).readUInt32BE();
  }

  /** The key for a purpose that outlives the hour. */
  lasting(purpose: LastingPurpose): KeyObject {
    return this.#key(this.#lasting, `${purpose}/${this.#app}`);
  }

  /**
   * The key for one hour, so that random nonces stay far below the 2^32 messages a key may seal (NIST SP 800-38D,
   * section 8.3).
   */
  hourly(purpose: HourlyPurpose, hour: number): KeyObject {
    return this.#key(this.#hourly, `${purpose}/${this.#app}/${hour}`);
  }

  #key(kept: BoundedMap<string, KeyObject>, name: string): KeyObject {
    let key = kept.get(name);
    if (key === undefined) {
      key = createSecretKey(Buffer.from(this.#derive(name, 32)));
      kept.set(name, key);
    }
    return key;
  }

  #derive(name: string, length: number): ArrayBuffer {
    return hkdfSync("sha256", this.#material, "", `flagon/v1/${name}`, length);
  }
}

/**
 * The secrets in use: the first seals, all open. A given secret is checked at construction; one that is missing throws at
 * first use, so that a build without the environment passes. A function is asked at each use and may change its answer:
 * rotation without a restart.
 */
export class KeyRing {
  readonly #ask: (() => Secret) | null;
  readonly #make: (secret: string) => SecretKeys;
  #secrets: readonly string[] = [];
  #keys: readonly SecretKeys[] = [];

  constructor(secret: Secret | (() => Secret), app: string, hoursKept: number) {
    this.#make = (text) => {
      requireStrong(text);
      return new SecretKeys(text, app, hoursKept);
    };
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
    if (this.#keys.length > 0) return this.#keys;
    throw new TypeError(
      "flagon has no secret: pass createSessions({ secret: process.env.SESSION_SECRET }); `npx flagon secret` prints one",
    );
  }

  #take(secret: Secret): void {
    const given = typeof secret === "string" ? [secret] : (secret ?? []);
    if (!Array.isArray(given))
      throw new TypeError("secret must be text, a list of texts, or a function that returns either");
    const isSame = given.length === this.#secrets.length && given.every((text, i) => text === this.#secrets[i]);
    if (isSame) return;
    this.#keys = given.filter((text) => text !== "").map(this.#make);
    this.#secrets = [...given];
  }
}
