import { Buffer } from "node:buffer";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type CookieFormat, createSessions, type SessionRecord, sealed } from "flagon";
import { describe, expect, test } from "vitest";
import { KeyRing } from "../../src/crypto/keys.ts";
import { Browser, Clock, DAY, type Data, HOUR, NOON, OTHER_SECRET, requestOf, SECRET } from "../browser.ts";
import { unrotated } from "../records.ts";

const NAME = "__Host-Http-session";
const request = requestOf();

interface Setting {
  readonly secret?: ConstructorParameters<typeof KeyRing>[0];
  readonly app?: string;
  readonly now?: () => number;
  readonly cacheSize?: number;
}

function formatOf({ secret = SECRET, app = "", now = () => NOON, cacheSize = 100 }: Setting = {}): CookieFormat {
  return sealed.bind({ keys: new KeyRing(secret, app), now, longestLifetimeMs: 180 * DAY, cacheSize });
}

function recordOf(data: Data = { name: "ann" }): SessionRecord {
  return {
    id: "AAECAwQFBgcICQoLDA0ODw",
    ...unrotated,
    permanent: false,
    createdAt: NOON,
    authenticatedAt: null,
    renewedAt: NOON,
    userId: null,
    data,
    flashes: [],
  };
}

/** Whether it opens, in a format that has not seen it and in the one that sealed it and remembers. */
function reasons(value: string, sealer: CookieFormat, name = NAME): (string | object)[] {
  return [formatOf().open(value, name, request), sealer.open(value, name, request)];
}

describe("a sealed cookie", () => {
  test("opens as what was sealed, remembered or not", () => {
    for (const cacheSize of [0, 100]) {
      const format = formatOf({ cacheSize });
      const value = format.seal(recordOf(), NAME, request);
      expect(format.open(value, NAME, request)).toEqual(recordOf());
      expect(formatOf({ cacheSize }).open(value, NAME, request)).toEqual(recordOf());
    }
  });

  test("is another text each time, and tells nothing of what is in it but the length", () => {
    const format = formatOf();
    const values = Array.from({ length: 100 }, () => format.seal(recordOf({ name: "findme" }), NAME, request));
    expect(new Set(values.map((value) => value.slice(11))).size).toBe(100);
    for (const value of values) expect(Buffer.from(value, "base64url").toString("latin1")).not.toContain("findme");
  });

  test("has a tag of 16 bytes: with one cut to 0 … 15 it never opens", () => {
    const format = formatOf();
    const bytes = Buffer.from(format.seal(recordOf({ text: "x".repeat(60) }), NAME, request), "base64url");
    for (let length = 0; length < 16; length++) {
      const cut = bytes.subarray(0, bytes.length - 16 + length).toString("base64url");
      expect(reasons(cut, format)).toEqual(["forged", "forged"]);
    }
  });

  test.each([
    ["a padded text", (value: string) => `${value}=`],
    ["a text in base64's other alphabet", (value: string) => value.replaceAll("-", "+").replaceAll("_", "/")],
    ["a blank within", (value: string) => `${value.slice(0, 50)} ${value.slice(50)}`],
    ["one character more", (value: string) => `${value}A`],
    ["a quote", (value: string) => `"${value}"`],
    ["percent signs", (value: string) => value.replace(/^./, "%41")],
    ["a character that base64 ignores", (value: string) => `${value.slice(0, 60)}\n${value.slice(60)}`],
    ["a wide character", (value: string) => `${value.slice(0, 60)}é${value.slice(61)}`],
  ])("has one spelling: %s does not open", (_, change) => {
    const format = formatOf();
    let value = format.seal(recordOf(), NAME, request);
    while (!/[-_]/.test(value)) value = format.seal(recordOf(), NAME, request);
    for (const reason of reasons(change(value), format)) expect(reason).toMatch(/malformed|forged|unknown_key/);
  });

  test.each([
    ["the hour of the clock", 0, "opens"],
    ["one hour ahead", 1, "opens"],
    ["two hours ahead", 2, "hour"],
    ["as many hours back as a session may live", -180 * 24, "opens"],
    ["one hour more", -180 * 24 - 1, "hour"],
    ["the first hour of all", -Math.floor(NOON / HOUR), "hour"],
  ])("sealed in %s: %s", (_, hours, expected) => {
    const value = formatOf({ now: () => NOON + hours * HOUR }).seal(recordOf(), NAME, request);
    const opened = formatOf().open(value, NAME, request);
    expect(typeof opened === "string" ? opened : "opens").toBe(expected);
  });

  test("of another kind does not open, though it was sealed with the same secret", () => {
    const format = formatOf();
    const bytes = Buffer.from(format.seal(recordOf(), NAME, request), "base64url");
    for (let kind = 0; kind < 256; kind++) {
      if (kind === 1) continue;
      bytes[0] = kind;
      expect(reasons(bytes.toString("base64url"), format)).toEqual(["malformed", "malformed"]);
    }
  });

  test("from another app, another name or another secret does not open", () => {
    const value = formatOf({ app: "a" }).seal(recordOf(), NAME, request);
    expect(formatOf({ app: "a" }).open(value, NAME, request)).toEqual(recordOf());
    expect(formatOf({ app: "b" }).open(value, NAME, request)).toBe("forged");
    expect(formatOf().open(value, NAME, request)).toBe("forged");
    for (const name of ["session", "__Secure-session", "__Host-Http-session2", "", "__host-http-session"]) {
      expect(formatOf({ app: "a" }).open(value, name, request)).toBe("forged");
    }
    expect(formatOf({ app: "a", secret: OTHER_SECRET }).open(value, NAME, request)).toBe("unknown_key");
  });
});

describe("the memory for verified cookies", () => {
  test("gives each request data of its own: what one changes shows in no other", () => {
    const format = formatOf();
    const value = format.seal(recordOf({ cart: { items: ["a"] }, when: new Date(5) }), NAME, request);
    const first = format.open(value, NAME, request) as SessionRecord;
    (first.data.cart as { items: string[] }).items.push("b");
    (first.data.when as Date).setTime(6);
    first.flashes.push({ message: "m", category: "c" });
    first.userId = "mallory";
    first.renewedAt = 0;
    expect(format.open(value, NAME, request)).toEqual(recordOf({ cart: { items: ["a"] }, when: new Date(5) }));
  });

  test("has nothing of what is changed in a record after it was sealed", () => {
    const format = formatOf();
    const record = recordOf({ cart: ["a"] });
    const value = format.seal(record, NAME, request);
    (record.data.cart as string[]).push("b");
    record.userId = "mallory";
    expect(format.open(value, NAME, request)).toEqual(recordOf({ cart: ["a"] }));
  });

  test("knows a cookie by its name too", () => {
    const format = formatOf();
    const value = format.seal(recordOf(), "session", request);
    expect(format.open(value, "session", request)).toEqual(recordOf());
    expect(format.open(value, NAME, request)).toBe("forged");
    expect(format.open(value, "session", request)).toEqual(recordOf());
  });

  test("knows a cookie by all of it: another head on the same tag does not open", () => {
    const format = formatOf();
    const value = format.seal(recordOf(), NAME, request);
    for (let i = 0; i < value.length - 22; i++) {
      const other = value.slice(0, i) + (value[i] === "A" ? "B" : "A") + value.slice(i + 1);
      expect(typeof format.open(other, NAME, request)).toBe("string");
    }
  });

  test("does not open what a retired secret sealed, and says when an older one did", () => {
    let secrets = [SECRET];
    const format = formatOf({ secret: () => secrets });
    const value = format.seal(recordOf(), NAME, request);
    expect(format.open(value, NAME, request)).toEqual(recordOf());
    secrets = [OTHER_SECRET, SECRET];
    expect(format.open(value, NAME, request)).toEqual({ ...recordOf(), outdated: true });
    secrets = [OTHER_SECRET];
    expect(format.open(value, NAME, request)).toBe("unknown_key");
    secrets = [SECRET];
    expect(format.open(value, NAME, request)).toEqual(recordOf());
  });

  test("holds limits anew each time", () => {
    const clock = new Clock();
    const browser = new Browser(createSessions<Data>({ secret: SECRET, now: clock.now }));
    browser.visit((session) => session.set("a", 1));
    expect(browser.open().get("a")).toBe(1);
    clock.pass(HOUR);
    expect(browser.open().get("a")).toBeUndefined();
    clock.pass(-HOUR);
    expect(browser.open().get("a")).toBe(1);
  });

  test("keeps the cookies, and not the headers that they came in", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const format = formatOf({ cacheSize: 1_000 });
    const sealer = formatOf({ cacheSize: 0 });
    const heap = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = heap();
    for (let i = 0; i < 400; i++) {
      // As a server hands it on: one text of 64 KB, of which the cookie is a part.
      const header = Buffer.from(`a=${"x".repeat(65_536)}; s=${sealer.seal(recordOf(), NAME, request)}`).toString(
        "latin1",
      );
      expect(format.open(header.slice(header.indexOf("s=") + 2), NAME, request)).toEqual(recordOf());
    }
    expect(heap() - before).toBeLessThan(8 * 2 ** 20);
    expect(format.open(sealer.seal(recordOf(), NAME, request), NAME, request)).toEqual(recordOf());
  });
});

describe("a cookie that grows too large", () => {
  const sizeOf = (value: string): number => NAME.length + value.length;

  test("is sealed up to 4,096 bytes of name and value, and is a SessionError beyond", () => {
    const format = formatOf();
    let length = 2_500;
    for (;;) {
      const value = format.seal(recordOf({ text: "x".repeat(length) }), NAME, request);
      if (sizeOf(value) >= 4_095) break;
      length++;
    }
    const largest = format.seal(recordOf({ text: "x".repeat(length) }), NAME, request);
    expect(sizeOf(largest)).toBeLessThanOrEqual(4_096);
    expect(formatOf().open(largest, NAME, request)).toEqual(recordOf({ text: "x".repeat(length) }));
    expect(() => format.seal(recordOf({ text: "x".repeat(length + 2) }), NAME, request)).toThrow(
      expect.objectContaining({ name: "SessionError", code: "cookie_too_large", status: 500, expose: false }),
    );
  });

  test("leaves room for about 2,950 bytes of JSON", () => {
    const json = (text: string): number => JSON.stringify({ d: { text } }).length;
    const seal = (text: string): string => formatOf().seal(recordOf({ text }), NAME, request);
    const roomy = "x".repeat(2_945);
    expect(json(roomy)).toBeGreaterThan(2_950);
    expect(() => seal(roomy)).not.toThrow();
    expect(() => seal("x".repeat(2_960))).toThrow("session cookie is");
  });

  test.each<[what: string, large: unknown]>([
    ["text", "x".repeat(2_000)],
    ["a list", new Array(1_000).fill(1)],
    ["a map", new Map(Array.from({ length: 300 }, (_, i) => [`k${i}`, 1]))],
    ["a set", new Set(Array.from({ length: 500 }, (_, i) => i))],
    ["bytes", new Uint8Array(1_600)],
    ["a bigint", 10n ** 2_000n],
  ])("names the three largest keys, largest first, when that is %s", (_, large) => {
    const data = {
      small: 1,
      third: "x".repeat(800),
      largest: large,
      second: new Map([["k", "x".repeat(1_000)]]),
      tiny: "",
    };
    const seal = (): string => formatOf().seal(recordOf(data), NAME, request);
    expect(seal).toThrow(/largest keys are largest \(\d+\), second \(\d+\), third \(\d+\)/);
    expect(seal).toThrow(/session cookie is \d+ bytes and browsers keep 4096/);
  });

  test("names flashes among them, and none of what any holds", () => {
    const flashes = Array.from({ length: 40 }, () => ({
      message: "do not print this ".repeat(10),
      category: "message",
    }));
    const record = { ...recordOf({ name: "nor this one" }), flashes };
    const seal = (): string => formatOf().seal(record, NAME, request);
    expect(seal).toThrow(/flashes/);
    expect(seal).not.toThrow(/do not print|nor this/);
  });
});
