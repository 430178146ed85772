import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { createSessions, type Flash, type SessionRecord, type StoredSession, sealed } from "flagon";
import { describe, expect, test } from "vitest";
import { KeyRing, SecretKeys } from "../../src/crypto/keys.ts";
import { readIdCookie, writeIdCookie } from "../../src/formats/id-cookie.ts";
import { publicId } from "../../src/formats/public-id.ts";
import { decodeHead, decodeRecord, encodeRecord } from "../../src/formats/record-bytes.ts";
import { openRow, sealRow } from "../../src/formats/row-data.ts";
import { Browser, DAY } from "../browser.ts";
import { askPython, describeWithPython, runScript } from "./python.ts";

/** What the JSON of a known answer stands for, where it has tags. */
const tagged: Record<string, unknown> = {
  when: new Date(0),
  never: new Date(Number.NaN),
  big: -123456789012345678901234567890n,
  bytes: new Uint8Array([0, 255, 16]),
  map: new Map<unknown, unknown>([
    ["k", undefined],
    [1, 2n],
  ]),
  set: new Set(["a", new Date(1)]),
  numbers: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
  lookalike: { "!d": 5 },
};

/** A record as the script writes it down. */
interface Written {
  readonly id: string;
  readonly permanent?: boolean;
  readonly tagged?: boolean;
  readonly createdAt: number;
  readonly authenticatedAt?: number;
  readonly renewedAt: number;
  readonly rotatedAt: number;
  readonly endsAt: number;
  readonly signInId?: number;
  readonly generation?: number;
  readonly since?: number;
  readonly data: object;
  readonly flashes?: readonly (readonly string[])[];
  readonly userId?: string;
}

type RecordHead = Omit<SessionRecord, "permanent" | "userId" | "data" | "flashes">;

interface Inputs {
  readonly secret: string;
  readonly app: string;
}

interface Sealed extends Inputs {
  readonly title: string;
  readonly now: number;
  readonly record: Written;
}

interface KnownAnswers {
  readonly keys: readonly (Inputs & {
    readonly keyId: string;
    readonly id: string;
    readonly csrf: string;
    readonly hour: number;
    readonly seal: string;
    readonly store: string;
  })[];
  readonly cookies: readonly (Sealed & {
    readonly name: string;
    readonly plaintext: string;
    readonly cookie: string;
  })[];
  readonly idCookies: readonly (Inputs &
    Pick<SessionRecord, "id" | "generation" | "signInId"> & { readonly name: string; readonly cookie: string })[];
  readonly rows: readonly (Sealed & { readonly data: string })[];
}

const file = readFileSync(new URL("known-answers.json", import.meta.url), "utf8");
// Parsed, not imported: a module would take the key `__proto__` for a prototype.
const known = JSON.parse(file) as KnownAnswers;

function recordFrom(written: Written): SessionRecord {
  const flashes = (written.flashes ?? []).map(([message = "", category = ""]): Flash => ({ message, category }));
  return {
    ...clocksOf(written),
    permanent: written.permanent ?? false,
    userId: written.userId ?? null,
    data: written.tagged ? tagged : (written.data as Record<string, unknown>),
    flashes,
  };
}

/** What the head of a record holds besides its flags. */
function clocksOf({ id, createdAt, renewedAt, rotatedAt, endsAt, ...written }: Written): RecordHead {
  const { authenticatedAt = null, signInId = 0, generation = 0, since = 0 } = written;
  return { id, signInId, generation, since, createdAt, authenticatedAt, renewedAt, rotatedAt, endsAt };
}

const ringOf = (secret: string, app: string): KeyRing => new KeyRing(secret, app);
const longestLifetimeMs = 180 * DAY;

describe("keys, made by another hand", () => {
  test.each(known.keys)("are the same for the app $app", ({ secret, app, keyId, id, csrf, hour, seal, store }) => {
    const keys = new SecretKeys(secret, app);
    expect(keys.id).toBe(Number.parseInt(keyId, 16));
    expect(keys.key("id").export().toString("hex")).toBe(id);
    expect(keys.key("csrf").export().toString("hex")).toBe(csrf);
    expect(keys.key("seal", hour).export().toString("hex")).toBe(seal);
    expect(keys.key("store", hour).export().toString("hex")).toBe(store);
  });
});

describe.each(known.cookies)("a sealed cookie made by another hand: $title", ({ secret, app, name, ...answer }) => {
  const record = recordFrom(answer.record);

  test("opens as what was sealed", () => {
    const format = sealed.bind({ keys: ringOf(secret, app), now: () => answer.now, longestLifetimeMs, cacheSize: 0 });
    expect(format.open(answer.cookie, name, { method: "GET", url: "", header: () => null })).toEqual(record);
  });

  test("is a session to createSessions", () => {
    const sessions = createSessions({ secret, app, now: () => answer.now, cookie: { name } });
    const browser = new Browser(sessions);
    browser.cookies.set(name, answer.cookie);
    const session = browser.open();
    expect(session.isNew).toBe(false);
    expect(session.id).toBe(publicId(record));
    expect(session.userId).toBe(record.userId);
    expect(session.permanent).toBe(record.permanent);
    expect(session.createdAt).toBe(record.createdAt);
    expect(session.authenticatedAt).toBe(record.authenticatedAt);
    expect(session.entries()).toEqual(Object.entries(record.data));
    expect(session.flashes()).toEqual(record.flashes);
  });

  test("has the plaintext that Flagon writes, to the byte", () => {
    expect(encodeRecord(record).toString("hex")).toBe(answer.plaintext);
    const read = decodeHead(Buffer.from(answer.plaintext, "hex"));
    expect(read && decodeRecord(read)).toEqual(record);
  });

  test("opens under no other name, app or secret", () => {
    const open = (otherSecret: string, otherApp: string, otherName: string): unknown =>
      sealed
        .bind({ keys: ringOf(otherSecret, otherApp), now: () => answer.now, longestLifetimeMs, cacheSize: 10 })
        .open(answer.cookie, otherName, { method: "GET", url: "", header: () => null });
    expect(open(secret, app, `${name}2`)).toBe("forged");
    expect(open(secret, `${app}2`, name)).toBe("forged");
    expect(open(`${secret}2`, app, name)).toBe("unknown_key");
  });
});

describe("a store's cookie made by another hand", () => {
  test.each(known.idCookies)("is what Flagon writes: $app $name", ({ secret, app, name, cookie, ...session }) => {
    expect(writeIdCookie(session, name, ringOf(secret, app))).toBe(cookie);
    expect(readIdCookie(cookie, name, ringOf(secret, app))).toEqual({ ...session, outdated: false });
    expect(readIdCookie(cookie, `${name}2`, ringOf(secret, app))).toBeNull();
    expect(readIdCookie(cookie, name, ringOf(secret, `${app}2`))).toBeNull();
  });
});

describe.each(known.rows)("a row made by another hand: $title", ({ secret, app, ...answer }) => {
  const record = recordFrom(answer.record);
  const row: StoredSession = {
    id: record.id,
    version: 1,
    userId: record.userId,
    device: null,
    createdAt: record.createdAt ?? 0,
    lastSeenAt: record.renewedAt,
    expiresAt: answer.now + DAY,
    data: Buffer.from(answer.data, "hex"),
  };
  const open = (changes: Partial<StoredSession>): SessionRecord | null =>
    openRow({ ...row, ...changes }, ringOf(secret, app), answer.now, longestLifetimeMs);

  test("opens as what was sealed", () => {
    expect(open({})).toEqual(record);
  });

  test("opens in no other row and for no other user", () => {
    expect(() => open({ id: "AAAAAAAAAAAAAAAAAAAAAA" })).toThrow(expect.objectContaining({ code: "store_corrupt" }));
    expect(() => open({ userId: `${record.userId}2` })).toThrow(expect.objectContaining({ code: "store_corrupt" }));
  });
});

describeWithPython("the script, on this machine", () => {
  test("prints the known answers that are kept beside it", () => {
    expect(runScript()).toBe(file);
  });

  test("opens the cookies, ids and rows that Flagon makes", () => {
    const cases = [...known.cookies.entries()].map(([index, { secret, app, name, record: written, now }]) => {
      const record = recordFrom(written);
      const keys = ringOf(secret, app);
      const format = sealed.bind({ keys, now: () => now, longestLifetimeMs, cacheSize: 0 });
      const request = { method: "GET", url: "", header: () => null };
      const row = Buffer.from(sealRow(record, keys, now)).toString("hex");
      const { id, userId, generation, signInId } = record;
      const same = { secret, app, name, id, userId, generation, signInId };
      return {
        expected: readOf(written),
        idCookie: writeIdCookie(record, name, keys),
        index,
        questions: [
          { ...same, kind: "cookie", value: format.seal(record, name, request) },
          { ...same, kind: "row", value: row },
          { ...same, kind: "id" },
        ],
      };
    });
    const answers = askPython(cases.flatMap(({ questions }) => questions));
    for (const { expected, idCookie, index } of cases) {
      expect(answers[3 * index]).toEqual(expected);
      expect(answers[3 * index + 1]).toEqual(expected);
      expect(answers[3 * index + 2]).toEqual({ cookie: idCookie });
    }
  });

  test("refuses a cookie of Flagon's with one bit changed, so that its opening proves something", () => {
    const [{ secret, app, name, cookie } = { secret: "", app: "", name: "", cookie: "" }] = known.cookies;
    const bytes = Buffer.from(cookie, "base64url");
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const question = { kind: "cookie", secret, app, name, value: bytes.toString("base64url") };
    expect(askPython([question])).toEqual([{ error: "forged" }]);
  });
});

/** What the script answers for a record that it has opened: the JSON as it stands, tags and all. */
function readOf(written: Written): object {
  return {
    ...clocksOf(written),
    permanent: written.permanent ?? false,
    tagged: written.tagged ?? false,
    data: written.data,
    flashes: written.flashes ?? [],
    userId: written.userId ?? null,
  };
}
