import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { sealed } from "flagon";
import { describe, expect, test } from "vitest";
import { hourOf, KeyRing, SecretKeys } from "../../src/crypto/keys.ts";
import { KIND_COOKIE, KIND_ROW, keyIdOf, seal, unseal } from "../../src/crypto/seal.ts";
import { DAY, HOUR, NOON, OTHER_SECRET, requestOf, SECRET } from "../browser.ts";
import { unrotated } from "../records.ts";

/** Writes down each key that is asked for. */
class CountedKeys extends SecretKeys {
  readonly asked: string[] = [];

  override key(purpose: "seal" | "store" | "id" | "csrf", hour?: number): KeyObject {
    this.asked.push(`${purpose}/${hour}`);
    return super.key(purpose, hour);
  }
}

class CountedRing extends KeyRing {
  readonly keys: CountedKeys[];

  constructor(...secrets: string[]) {
    super(undefined, "");
    this.keys = secrets.map((secret) => new CountedKeys(secret, ""));
  }

  override all(): readonly SecretKeys[] {
    return this.keys;
  }
}

const context = Buffer.from("context");
const plaintext = Buffer.from("plaintext");
const open = (sealed: Buffer, ring: KeyRing, now = NOON): Buffer | string =>
  unseal(KIND_COOKIE, sealed, context, ring, now, 180 * DAY);

const edited =
  (edit: (bytes: Buffer) => unknown) =>
  (bytes: Buffer): Buffer => {
    edit(bytes);
    return bytes;
  };

describe("unseal", () => {
  const good = seal(KIND_COOKIE, plaintext, context, new KeyRing(SECRET, ""), NOON);

  test.each<[what: string, change: (bytes: Buffer) => Buffer, reason: string]>([
    ["another kind", edited((bytes) => bytes.writeUInt8(2, 0)), "malformed"],
    ["a text too short", (bytes) => bytes.subarray(0, 35), "malformed"],
    ["nothing", () => Buffer.alloc(0), "malformed"],
    ["an unknown key id", edited((bytes) => bytes.writeUInt32BE(7, 1)), "unknown_key"],
    ["an hour to come", edited((bytes) => bytes.writeUIntBE(hourOf(NOON) + 2, 5, 3)), "hour"],
    ["an hour long past", edited((bytes) => bytes.writeUIntBE(hourOf(NOON - 180 * DAY) - 1, 5, 3)), "hour"],
    ["the first hour", edited((bytes) => bytes.writeUIntBE(0, 5, 3)), "hour"],
    ["the last hour", edited((bytes) => bytes.writeUIntBE(2 ** 24 - 1, 5, 3)), "hour"],
  ])("refuses %s before any key is derived", (_, change, reason) => {
    const ring = new CountedRing(SECRET, OTHER_SECRET);
    expect(open(change(Buffer.from(good)), ring)).toBe(reason);
    expect(ring.keys.flatMap(({ asked }) => asked)).toEqual([]);
  });

  test("chooses the key by its id, and tries no other", () => {
    const ring = new CountedRing(OTHER_SECRET, SECRET);
    expect(open(good, ring)).toEqual(plaintext);
    expect(ring.keys.map(({ asked }) => asked)).toEqual([[], [`seal/${hourOf(NOON)}`]]);
    const forged = Buffer.from(good);
    forged.writeUInt8((forged.at(-1) ?? 0) ^ 1, forged.length - 1);
    expect(open(forged, ring)).toBe("forged");
    expect(ring.keys[0]?.asked).toEqual([]);
  });

  test("opens the text of no other kind, context, purpose or hour", () => {
    const ring = new KeyRing(SECRET, "");
    expect(unseal(KIND_ROW, good, context, ring, NOON, DAY)).toBe("malformed");
    const otherKind = Buffer.from(good);
    otherKind[0] = KIND_ROW;
    expect(unseal(KIND_ROW, otherKind, context, ring, NOON, DAY)).toBe("forged");
    expect(unseal(KIND_COOKIE, good, Buffer.from("contexts"), ring, NOON, DAY)).toBe("forged");
    expect(unseal(KIND_COOKIE, good, Buffer.alloc(0), ring, NOON, DAY)).toBe("forged");
    const otherHour = Buffer.from(good);
    otherHour.writeUIntBE(hourOf(NOON) - 1, 5, 3);
    expect(open(otherHour, ring)).toBe("forged");
  });

  test("changes nothing of what it is given", () => {
    const before = Buffer.from(good);
    open(good, new KeyRing(SECRET, ""));
    expect(good).toEqual(before);
  });
});

describe("the memory for verified cookies", () => {
  function opened(cacheSize: number): string[] {
    const ring = new CountedRing(SECRET);
    const format = sealed.bind({ keys: ring, now: () => NOON, longestLifetimeMs: DAY, cacheSize });
    const request = requestOf();
    const record = {
      ...unrotated,
      id: "AAECAwQFBgcICQoLDA0ODw",
      permanent: false,
      createdAt: NOON,
      authenticatedAt: null,
    };
    const sealer = sealed.bind({
      keys: new KeyRing(SECRET, ""),
      now: () => NOON,
      longestLifetimeMs: DAY,
      cacheSize: 0,
    });
    const value = sealer.seal({ ...record, renewedAt: NOON, userId: null, data: { a: 1 }, flashes: [] }, "s", request);
    for (let i = 0; i < 3; i++) expect(format.open(value, "s", request)).toMatchObject({ data: { a: 1 } });
    return ring.keys.flatMap(({ asked }) => asked);
  }

  test("spares a visitor's next requests the cipher", () => {
    expect(opened(100)).toHaveLength(1);
  });

  test("of none spares nothing", () => {
    expect(opened(0)).toHaveLength(3);
  });
});

test("a key is derived once, and kept", () => {
  const keys = new SecretKeys(SECRET, "");
  expect(keys.key("seal", 5)).toBe(keys.key("seal", 5));
  expect(keys.key("id")).toBe(keys.key("id"));
});

describe("seal", () => {
  test("uses the hour's key: another each hour, the same within one", () => {
    const ring = new CountedRing(SECRET);
    const start = hourOf(NOON) * HOUR;
    for (const now of [start, start + HOUR - 1, start + HOUR]) seal(KIND_COOKIE, plaintext, context, ring, now);
    expect(ring.keys[0]?.asked).toEqual([hourOf(NOON), hourOf(NOON), hourOf(NOON) + 1].map((hour) => `seal/${hour}`));
  });

  test("names its key", () => {
    const ring = new KeyRing(SECRET, "");
    expect(keyIdOf(seal(KIND_COOKIE, plaintext, context, ring, NOON))).toBe(ring.current().id);
  });

  test.each([0, 1, 15, 16, 17, 3_000, 100_000])("and unseal carry %d bytes", (length) => {
    const ring = new KeyRing(SECRET, "");
    const bytes = Buffer.alloc(length, 0xab);
    const sealed = seal(KIND_COOKIE, bytes, context, ring, NOON);
    expect(sealed.length).toBe(length + 36);
    expect(open(sealed, ring)).toEqual(bytes);
  });
});
