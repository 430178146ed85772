import { deepStrictEqual, notStrictEqual, ok, strictEqual, throws } from "node:assert";
import { Buffer } from "node:buffer";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createSessions, type SessionError, type Store, type StoredSession } from "flagon";
import { Browser, Clock, OTHER_SECRET, requestOf, SECRET } from "../browser.ts";
import type { Case, World } from "./suite.ts";

interface Written {
  readonly id: string;
  readonly permanent?: boolean;
  readonly tagged?: boolean;
  readonly data: Record<string, unknown>;
  readonly flashes?: readonly (readonly [string, string])[];
  readonly userId?: string | null;
  readonly signInId?: number;
  readonly createdAt: number;
  readonly renewedAt: number;
}

/** What was sealed, with what, and the cookie that holds or names it. */
interface KnownSession {
  readonly title: string;
  readonly secret: string;
  readonly app: string;
  readonly now: number;
  readonly name: string;
  readonly record: Written;
  readonly cookie: string;
}

interface KnownAnswers {
  readonly cookies: readonly KnownSession[];
  readonly idCookies: readonly { secret: string; app: string; name: string; id: string; cookie: string }[];
  readonly rows: readonly (KnownSession & { readonly data: string })[];
}

/** The values that the known answers spell with tags. */
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

export function sealingCases({ knownAnswers }: World): Case[] {
  const known = JSON.parse(knownAnswers) as KnownAnswers;
  return [
    ...known.cookies.map(({ title, secret, app, now, name, record, cookie }) => ({
      name: `sealing: a cookie made by another hand opens: ${title}`,
      run: () => {
        const browser = new Browser(createSessions({ secret, app, now: () => now, cookie: { name } }));
        browser.cookies.set(name, cookie);
        const session = browser.open();
        strictEqual(session.isNew, false);
        deepStrictEqual([session.id, session.userId, session.permanent], told(record));
        sameData(Object.fromEntries(session.entries()), record.tagged ? tagged : record.data);
        const flashes = (record.flashes ?? []).map(([message, category]) => ({ message, category }));
        deepStrictEqual(session.flashes(), flashes);
      },
    })),
    ...known.idCookies.map(({ secret, app, name, id, cookie }) => ({
      name: `sealing: a store's cookie made by another hand is read: ${JSON.stringify(app)} ${name}`,
      run: async () => {
        const asked: string[] = [];
        const store = storeThatHas(null, asked);
        await createSessions({ secret, app, store, cookie: { name } }).open(requestOf({ cookie: `${name}=${cookie}` }));
        deepStrictEqual(asked, [id]);
      },
    })),
    ...known.rows.map(({ title, secret, app, now, name, record, cookie, data }) => ({
      name: `sealing: a row made by another hand opens: ${title}`,
      run: async () => {
        const row: StoredSession = {
          id: record.id,
          version: 1,
          userId: record.userId ?? null,
          device: null,
          createdAt: record.createdAt,
          lastSeenAt: record.renewedAt,
          expiresAt: now + 60_000,
          data: Uint8Array.from(data.match(/../g) ?? [], (hex) => Number.parseInt(hex, 16)),
        };
        const store = storeThatHas(row, []);
        const sessions = createSessions({ secret, app, store, now: () => now, cookie: { name } });
        const session = await sessions.open(requestOf({ cookie: `${name}=${cookie}` }));
        deepStrictEqual([session.id, session.userId, session.permanent], told(record));
        sameData(Object.fromEntries(session.entries()), record.tagged ? tagged : record.data);
      },
    })),
    ...ownCases,
  ];
}

const ownCases: readonly Case[] = [
  {
    name: "sealing: every kind of value comes back as what it was",
    run: () => {
      const browser = new Browser(createSessions({ secret: SECRET }));
      const data = { ...tagged, text: "ü 🗝 \u2028", plain: { deep: [1, null, true] }, __own: "x" };
      browser.visit((session) => {
        for (const [key, value] of Object.entries(data)) session.set(key, value);
      });
      sameData(
        browser.visit((session) => Object.fromEntries(session.entries())),
        data,
      );
    },
  },
  {
    name: "sealing: a cookie with one character changed opens a new session",
    run: () => {
      const browser = new Browser(createSessions({ secret: SECRET, cache: 0 }));
      browser.visit((session) => session.set("a", 1));
      const { cookie } = browser;
      for (let at = 0; at < cookie.length; at++) {
        const changed = `${cookie.slice(0, at)}${cookie[at] === "A" ? "B" : "A"}${cookie.slice(at + 1)}`;
        browser.cookies.set("__Host-Http-session", changed);
        strictEqual(browser.open().isNew, true, `at character ${at}`);
      }
    },
  },
  {
    name: "sealing: a cookie of another name, app or secret opens a new session",
    run: () => {
      const made = new Browser(createSessions({ secret: SECRET }));
      made.visit((session) => session.set("a", 1));
      const others = [
        createSessions({ secret: SECRET, cookie: { name: "__Host-other" } }),
        createSessions({ secret: SECRET, app: "shop" }),
        createSessions({ secret: OTHER_SECRET }),
      ];
      for (const [index, sessions] of others.entries()) {
        const other = new Browser(sessions);
        other.cookies.set(index === 0 ? "__Host-other" : "__Host-Http-session", made.cookie);
        strictEqual(other.open().isNew, true);
      }
    },
  },
  {
    name: "sealing: an older secret opens, and the next cookie is under the new one",
    run: () => {
      const browser = new Browser(createSessions({ secret: SECRET }));
      browser.visit((session) => session.set("a", 1));
      const rotated = new Browser(createSessions({ secret: [OTHER_SECRET, SECRET] }));
      rotated.cookies.set("__Host-Http-session", browser.cookie);
      strictEqual(
        rotated.visit((session) => session.get("a")),
        1,
      );
      notStrictEqual(rotated.cookie, browser.cookie);
      const retired = new Browser(createSessions({ secret: OTHER_SECRET }));
      retired.cookies.set("__Host-Http-session", rotated.cookie);
      strictEqual(retired.open().get("a"), 1);
    },
  },
  {
    name: "sealing: no two cookies have a nonce or an id in common",
    run: () => {
      const sessions = createSessions({ secret: SECRET });
      const seen = new Set<string>();
      for (let count = 0; count < 2_000; count++) {
        const browser = new Browser(sessions);
        seen.add(browser.visit((session) => session.set("a", 1).id));
        seen.add(browser.cookie.slice(11, 27));
      }
      strictEqual(seen.size, 4_000);
    },
  },
  {
    name: "sealing: the hour's key changes with the hour",
    run: () => {
      const clock = new Clock();
      const browser = new Browser(createSessions({ secret: SECRET, now: clock.now, lifetime: { idle: "3h" } }));
      browser.visit((session) => session.set("a", 1));
      const first = browser.cookie;
      clock.pass(2 * 3_600_000);
      strictEqual(
        browser.visit((session) => session.get("a")),
        1,
      );
      notStrictEqual(browser.cookie.slice(0, 11), first.slice(0, 11));
    },
  },
  {
    name: "sealing: what does not fit is an error that names the largest key",
    run: () => {
      const browser = new Browser(createSessions({ secret: SECRET }));
      const session = browser.open();
      session.set("cart", "x".repeat(5_000));
      throws(
        () => browser.answer(session),
        (error: SessionError) => error.code === "cookie_too_large" && error.message.includes("cart"),
      );
    },
  },
  {
    name: "sealing: a missing secret throws at first use, and a weak one at once",
    run: () => {
      const browser = new Browser(createSessions({ secret: undefined }));
      throws(() => browser.visit((session) => session.set("a", 1)), /npx flagon secret/);
      throws(() => createSessions({ secret: "short" }), /npx flagon secret/);
    },
  },
  {
    name: "sealing: a CSRF token is the session's own",
    run: () => {
      const sessions = createSessions({ secret: SECRET });
      const [browser, other] = [new Browser(sessions), new Browser(sessions)];
      const token = browser.visit((session) => session.csrfToken());
      other.visit((session) => session.set("a", 1));
      strictEqual(browser.open().checkCsrfToken(token), true);
      strictEqual(other.open().checkCsrfToken(token), false);
    },
  },
  {
    name: "sealing: a refused cookie is told to flagon:reject",
    run: () => {
      const reasons: unknown[] = [];
      const listen = (message: unknown): void => void reasons.push((message as { reason: unknown }).reason);
      subscribe("flagon:reject", listen);
      try {
        const browser = new Browser(createSessions({ secret: SECRET }));
        browser.cookies.set("__Host-Http-session", "AAAA");
        ok(browser.open().isNew);
      } finally {
        unsubscribe("flagon:reject", listen);
      }
      deepStrictEqual(reasons, ["malformed"]);
    },
  },
];

/** To Node 20 no date that is none is like another. */
function sameData(
  { never, ...actual }: Record<string, unknown>,
  { never: wanted, ...expected }: Record<string, unknown>,
): void {
  strictEqual(String(never), String(wanted));
  deepStrictEqual(actual, expected);
}

/** What a session is to tell of the record. */
function told({
  id,
  signInId = 0,
  userId = null,
  permanent = false,
}: Omit<Partial<Written>, "id"> & { id: string }): unknown[] {
  const bytes = Buffer.alloc(20);
  bytes.write(id, "base64url");
  bytes.writeUInt32BE(signInId, 16);
  return [bytes.toString("base64url"), userId, permanent];
}

/** A store with one row at most, which writes down what it was asked for. */
function storeThatHas(row: StoredSession | null, asked: string[]): Store {
  return {
    read: async (id) => {
      asked.push(id);
      return row;
    },
    create: async () => {},
    replace: async () => false,
    touch: async () => {},
    delete: async () => {},
    list: async () => [],
    deleteExpired: async () => 0,
  };
}
