import { Buffer } from "node:buffer";
import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { BoundedMap } from "./bounded-map.ts";
import { requireStrong } from "./secret.ts";

export type Secret = string | readonly string[] | undefined;

/** Which derived keys are told apart: by what they protect, and by whether they last an hour or as long as the secret. */
export type HourlyPurpose = "seal" | "store";
export type LastingPurpose = "id" | "csrf";

const HOUR_MS = 3_600_000;

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
  readonly #lasting: Map<string, KeyObject> = new Map();
  readonly #hourly: BoundedMap<string, KeyObject>;

  constructor(secret: string, app: string, hoursKept: number) {
    this.#material = createSecretKey(Buffer.from(secret, "utf8"));
    this.#app = app;
    this.#hourly = new BoundedMap(hoursKept);
    this.id = Buffer.from(this.#derive("flagon/v1/kid", 4)).readUInt32BE();
  }

  /** The key for a purpose that outlives the hour. */
  lasting(purpose: LastingPurpose): KeyObject {
    let key = this.#lasting.get(purpose);
    if (key === undefined) {
      key = createSecretKey(Buffer.from(this.#derive(`flagon/v1/${purpose}/${this.#app}`, 32)));
      this.#lasting.set(purpose, key);
    }
    return key;
  }

  /**
   * The key for one hour, so that random nonces stay far below the 2^32 messages a key may seal (NIST SP 800-38D,
   * section 8.3).
   */
  hourly(purpose: HourlyPurpose, hour: number): KeyObject {
    const name = `${purpose}/${this.#app}/${hour}`;
    let key = this.#hourly.get(name);
    if (key === undefined) {
      key = createSecretKey(Buffer.from(this.#derive(`flagon/v1/${name}`, 32)));
      this.#hourly.set(name, key);
    }
    return key;
  }

  #derive(info: string, length: number): ArrayBuffer {
    return hkdfSync("sha256", this.#material, "", info, length);
  }
}

/** The secrets in use: the first seals, all open. */
export interface KeyRing {
  /** Throws a `TypeError` while no secret is set. */
  current(): SecretKeys;
  /** The secret that a cookie or row names; undefined for one that was never or is no longer in use. */
  find(keyId: number): SecretKeys | undefined;
}

/**
 * A ring over the `secret` option. A given secret is checked now; one that is missing throws at first use, so that a
 * build without the environment passes. A function is asked at each use and may change its answer: rotation without a
 * restart.
 */
export function createKeyRing(secret: Secret | (() => Secret), app: string, hoursKept: number): KeyRing {
  if (typeof secret === "function") return new ChangingRing(secret, app, hoursKept);
  const secrets = listOf(secret);
  return secrets.length === 0 ? missingRing : new FixedRing(secrets, app, hoursKept);
}

class FixedRing implements KeyRing {
  readonly #current: SecretKeys;
  readonly #byId: Map<number, SecretKeys> = new Map();

  constructor(secrets: readonly string[], app: string, hoursKept: number) {
    const all = secrets.map((text) => {
      requireStrong(text);
      return new SecretKeys(text, app, hoursKept);
    });
    this.#current = all[0] as SecretKeys;
    for (const keys of all) if (!this.#byId.has(keys.id)) this.#byId.set(keys.id, keys);
  }

  current(): SecretKeys {
    return this.#current;
  }

  find(keyId: number): SecretKeys | undefined {
    return this.#byId.get(keyId);
  }
}

class ChangingRing implements KeyRing {
  readonly #ask: () => Secret;
  readonly #app: string;
  readonly #hoursKept: number;
  #answer: readonly string[] = [];
  #ring: KeyRing = missingRing;

  constructor(ask: () => Secret, app: string, hoursKept: number) {
    this.#ask = ask;
    this.#app = app;
    this.#hoursKept = hoursKept;
  }

  current(): SecretKeys {
    return this.#latest().current();
  }

  find(keyId: number): SecretKeys | undefined {
    return this.#latest().find(keyId);
  }

  #latest(): KeyRing {
    const answer = listOf(this.#ask());
    const same = answer.length === this.#answer.length && answer.every((text, i) => text === this.#answer[i]);
    if (!same) {
      this.#ring = answer.length === 0 ? missingRing : new FixedRing(answer, this.#app, this.#hoursKept);
      this.#answer = [...answer];
    }
    return this.#ring;
  }
}

const missingRing: KeyRing = {
  current: () => missing(),
  find: () => missing(),
};

function missing(): never {
  throw new TypeError(
    "flagon has no secret: pass createSessions({ secret }), for example from process.env.SESSION_SECRET; `npx flagon secret` prints a good one",
  );
}

function listOf(secret: Secret): readonly string[] {
  if (secret === undefined || secret === "") return [];
  return typeof secret === "string" ? [secret] : secret;
}
