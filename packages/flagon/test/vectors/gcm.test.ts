import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { KeyRing, SecretKeys } from "../../src/crypto/keys.ts";
import { seal, unseal } from "../../src/crypto/seal.ts";
import vectors from "./nist-gcm.json" with { type: "json" };
import { askPython, describeWithPython } from "./python.ts";

interface Vector {
  readonly count: number;
  readonly key: string;
  readonly iv: string;
  /** Absent where NIST says FAIL. */
  readonly pt?: string;
  readonly aad: string;
  readonly ct: string;
  readonly tag: string;
}

const HOUR_MS = 3_600_000;
const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
const titleOf = ({ count, aad, ct }: Vector): string => `AAD ${aad.length * 4}, text ${ct.length * 4}, count ${count}`;

/** The first eight bytes of a vector's associated data stand for a sealed text's head: any head will do for a cipher. */
function headOf(aad: Buffer): { kind: number; keyId: number; now: number } {
  return {
    kind: aad.readUInt8(0),
    keyId: aad.readUInt32BE(1),
    now: aad.readUIntBE(5, 3) * HOUR_MS,
  };
}

/** A vector's key, whatever the hour. */
class VectorKeys extends SecretKeys {
  override readonly id: number;
  readonly #key: KeyObject;

  constructor(id: number, key: KeyObject) {
    super("", "");
    this.id = id;
    this.#key = key;
  }

  override key(): KeyObject {
    return this.#key;
  }
}

class VectorRing extends KeyRing {
  readonly #keys: VectorKeys;

  constructor(keyId: number, key: KeyObject) {
    super(undefined, "");
    this.#keys = new VectorKeys(keyId, key);
  }

  override current(): SecretKeys {
    return this.#keys;
  }

  override find(keyId: number): SecretKeys | undefined {
    return keyId === this.#keys.id ? this.#keys : undefined;
  }
}

function open(vector: Vector): string | null {
  const aad = bytes(vector.aad);
  const { kind, keyId, now } = headOf(aad);
  const sealed = Buffer.concat([aad.subarray(0, 8), bytes(vector.iv), bytes(vector.ct), bytes(vector.tag)]);
  const opened = unseal(
    kind,
    sealed,
    aad.subarray(8),
    new VectorRing(keyId, createSecretKey(bytes(vector.key))),
    now,
    HOUR_MS,
  );
  if (typeof opened !== "string") return opened.toString("hex");
  expect(opened).toBe("forged");
  return null;
}

const all: readonly Vector[] = [...vectors.encrypt, ...vectors.decrypt];
// A sealed text always has a head, so those without associated data say nothing of unseal: node:crypto alone opens them.
const withHead = all.filter(({ aad }) => aad !== "");
const withoutHead = all.filter(({ aad }) => aad === "");

describe("AES-256-GCM opens what NIST's vectors say, and fails where they say FAIL", () => {
  test("there are vectors of both kinds", () => {
    expect(withHead.filter(({ pt }) => pt !== undefined).length).toBeGreaterThan(100);
    expect(withHead.filter(({ pt }) => pt === undefined).length).toBeGreaterThan(30);
    expect(withoutHead.length).toBeGreaterThan(30);
  });

  test.each(withHead.map((vector) => [titleOf(vector), vector] as const))("unseal: %s", (_, vector) => {
    expect(open(vector)).toBe(vector.pt ?? null);
  });

  test.each(withoutHead.map((vector) => [titleOf(vector), vector] as const))("node:crypto: %s", (_, vector) => {
    const decipher = createDecipheriv("aes-256-gcm", bytes(vector.key), bytes(vector.iv), { authTagLength: 16 });
    decipher.setAuthTag(bytes(vector.tag));
    const opened = (): string => Buffer.concat([decipher.update(bytes(vector.ct)), decipher.final()]).toString("hex");
    if (vector.pt === undefined) expect(opened).toThrow();
    else expect(opened()).toBe(vector.pt);
  });
});

describeWithPython("the script's own AES-GCM", () => {
  test("opens what NIST's vectors say, and fails where they say FAIL", () => {
    const questions = all.map(({ key, iv, aad, ct, tag }) => ({ kind: "gcm", key, iv, aad, sealed: ct + tag }));
    const expected = all.map(({ pt }) => (pt === undefined ? { error: "forged" } : { plaintext: pt }));
    expect(askPython(questions)).toEqual(expected);
  });
});

describe("seal", () => {
  test.each(withHead.filter(({ pt }) => pt !== undefined).map((vector) => [titleOf(vector), vector] as const))(
    "writes what AES-256-GCM makes of its nonce: %s",
    (_, vector) => {
      const aad = bytes(vector.aad);
      const plaintext = bytes(vector.pt ?? "");
      const { kind, keyId, now } = headOf(aad);
      const key = createSecretKey(bytes(vector.key));
      const sealed = seal(kind, plaintext, aad.subarray(8), new VectorRing(keyId, key), now);
      const cipher = createCipheriv("aes-256-gcm", key, sealed.subarray(8, 20), { authTagLength: 16 });
      cipher.setAAD(aad);
      const expected = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
      expect(sealed.subarray(0, 8)).toEqual(aad.subarray(0, 8));
      expect(sealed.subarray(20)).toEqual(expected);
    },
  );

  test("never uses a nonce twice", () => {
    const key = createSecretKey(Buffer.alloc(32, 7));
    const nonces = new Set<string>();
    for (let i = 0; i < 5_000; i++) {
      const sealed = seal(1, Buffer.alloc(0), Buffer.alloc(0), new VectorRing(1, key), 0);
      nonces.add(sealed.toString("hex", 8, 20));
    }
    expect(nonces.size).toBe(5_000);
  });
});
