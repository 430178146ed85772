import { Buffer } from "node:buffer";
import { createHmac, hkdfSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { SecretKeys } from "../../src/crypto/keys.ts";
import { OTHER_SECRET, SECRET } from "../browser.ts";
import published from "./hkdf-rfc5869.json" with { type: "json" };

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

/** RFC 5869, section 2.2. */
function extract(salt: Buffer, ikm: Buffer): Buffer {
  return createHmac("sha256", salt.length === 0 ? Buffer.alloc(32) : salt)
    .update(ikm)
    .digest();
}

/** RFC 5869, section 2.3. */
function expand(prk: Buffer, info: Buffer, length: number): Buffer {
  const blocks: Buffer[] = [];
  for (let n = 1; blocks.length * 32 < length; n++) {
    const before = blocks.at(-1) ?? Buffer.alloc(0);
    blocks.push(
      createHmac("sha256", prk)
        .update(before)
        .update(info)
        .update(Buffer.from([n]))
        .digest(),
    );
  }
  return Buffer.concat(blocks).subarray(0, length);
}

function hkdf(secret: string, info: string, length: number): string {
  const prk = extract(Buffer.alloc(0), Buffer.from(secret, "utf8"));
  return expand(prk, Buffer.from(info, "utf8"), length).toString("hex");
}

describe("HKDF-SHA256 against RFC 5869", () => {
  test.each(published.cases)("our second writing of it, length $length", ({ ikm, salt, info, length, prk, okm }) => {
    const extracted = extract(bytes(salt), bytes(ikm));
    expect(extracted.toString("hex")).toBe(prk);
    expect(expand(extracted, bytes(info), length).toString("hex")).toBe(okm);
  });

  test.each(published.cases)("node:crypto's, length $length", ({ ikm, salt, info, length, okm }) => {
    const derived = hkdfSync("sha256", bytes(ikm), bytes(salt), bytes(info), length);
    expect(Buffer.from(derived).toString("hex")).toBe(okm);
  });
});

const apps = ["", "shop", "a/b", "ünï 🗝"];
const secrets = [SECRET, OTHER_SECRET, "ключ-π-鍵-🗝 Zq7!rT2#vB9$wN4%kM1^x"];

describe.each(secrets)("the keys of the secret %s", (secret) => {
  test("are named by HKDF of the key id's purpose, whatever the app", () => {
    for (const app of apps) {
      const named = new SecretKeys(secret, app).id.toString(16).padStart(8, "0");
      expect(named).toBe(hkdf(secret, "flagon/v1/kid", 4));
    }
  });

  test.each(apps)("are HKDF of purpose, app %j and hour", (app) => {
    const keys = new SecretKeys(secret, app);
    for (const purpose of ["id", "csrf"] as const) {
      expect(keys.key(purpose).export().toString("hex")).toBe(hkdf(secret, `flagon/v1/${purpose}/${app}`, 32));
    }
    for (const purpose of ["seal", "store"] as const) {
      for (const hour of [0, 1, 490_895, 2 ** 24 - 1]) {
        const expected = hkdf(secret, `flagon/v1/${purpose}/${app}/${hour}`, 32);
        expect(keys.key(purpose, hour).export().toString("hex")).toBe(expected);
      }
    }
  });

  test("are another for each purpose, app and hour", () => {
    const seen = new Set<string>();
    for (const app of apps) {
      const keys = new SecretKeys(secret, app);
      for (const purpose of ["id", "csrf"] as const) seen.add(keys.key(purpose).export().toString("hex"));
      for (const hour of [5, 6]) {
        for (const purpose of ["seal", "store"] as const) seen.add(keys.key(purpose, hour).export().toString("hex"));
      }
    }
    expect(seen.size).toBe(apps.length * 6);
  });

  test("stay what they are when the cache of hours has forgotten them", () => {
    const keys = new SecretKeys(secret, "");
    const before = keys.key("seal", 1).export();
    for (let hour = 2; hour < 11_000; hour++) keys.key("seal", hour);
    expect(keys.key("seal", 1).export()).toEqual(before);
  });
});
