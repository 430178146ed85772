import { createSessions, sealed } from "flagon";
import { memoryStore } from "flagon/memory";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { sqliteStore } from "flagon/sqlite";
import { expect, test } from "vitest";
import { AsyncBrowser, SECRET } from "./browser.ts";

/* In plain JavaScript nobody tells of a name that is no option. */

const store = memoryStore();
const pool = { query: async () => ({ rows: [] }) };
const redis = { withTypeMapping: () => {}, sendCommand: async () => null };
const until = "2099-01-01";

test.each<[given: object, says: string]>([
  [{ cookies: {} }, 'createSessions has no option "cookies"; there are secret, store'],
  [{ password: SECRET }, "in its place is secret"],
  [{ ttl: 60 }, "in its place is lifetime"],
  [{ cookieName: "sid" }, "in its place is cookie: { name }"],
  [{ constructor: 1 }, 'no option "constructor"'],
  [{ cookie: { maxAge: 1 } }, 'cookie has no option "maxAge"; in its place is lifetime and permanentLifetime'],
  [{ cookie: { httpOnly: false } }, "in its place is nothing: it always is"],
  [{ lifetime: { ide: "1h" } }, 'lifetime has no option "ide"; there are idle, absolute'],
  [{ permanentLifetime: { max: "1h" } }, "permanentLifetime has no option"],
  [{ csrf: { trusted: [] } }, "csrf has no option"],
  [{ revocations: { store, stale: "1s" } }, "revocations has no option"],
  [{ upgradeFrom: [{ codec: sealed, until, cookies: {} }] }, "upgradeFrom has no option"],
  [{ upgradeFrom: [{ codec: sealed, until, cookie: { nam: "a" } }] }, "upgradeFrom.cookie has no option"],
])("createSessions(%j) is a TypeError", (given, says) => {
  expect(() => createSessions({ secret: SECRET, ...given } as never)).toThrow(TypeError);
  expect(() => createSessions({ secret: SECRET, ...given } as never)).toThrow(says);
});

test.each<[what: string, make: () => unknown]>([
  ["memoryStore", () => memoryStore({ maximum: 1 } as never)],
  ["sqliteStore", () => sqliteStore(":memory:", { busyTimeout: 1 } as never)],
  ["postgresStore", () => postgresStore(pool as never, { schema: "app" } as never)],
  ["redisStore", () => redisStore(redis as never, { keyPrefix: "a" } as never)],
])("%s takes no option that it does not have", (what, make) => {
  expect(make).toThrow(`${what} has no option`);
});

test("what is told to a session, and asked of sessions, neither", async () => {
  for (const options of [{ store }, { revocations: store }]) {
    const sessions = createSessions({ secret: SECRET, ...options });
    await new AsyncBrowser(sessions).visit((session) => {
      expect(() => session.login("u", { permament: true } as never)).toThrow('session.login has no option "permament"');
    });
    await expect(sessions.revokeUser("u", { exept: "id" } as never)).rejects.toThrow("revokeUser has no option");
    await expect(sessions.revoke("id", { user: "u" } as never)).rejects.toThrow("revoke has no option");
  }
  const sessions = createSessions({ secret: SECRET, store });
  await expect(sessions.list("u", { curent: "id" } as never)).rejects.toThrow("list has no option");
  await expect(sessions.update("id", () => {}, { renewed: true } as never)).rejects.toThrow("update has no option");
});

test("limits are told where they are crossed", async () => {
  expect(() => createSessions({ secret: SECRET, app: "a".repeat(201) })).toThrow(/app takes 200/);
  const sessions = createSessions({ secret: SECRET, store });
  await new AsyncBrowser(sessions).visit((session) => {
    expect(() => session.login("u".repeat(70_000))).toThrow(/user id takes 65,535 bytes/);
    expect(() => session.login("é".repeat(40_000))).toThrow(/user id takes 65,535 bytes/);
    session.login("u".repeat(65_535));
    const sparse = [1, 2];
    sparse[5] = 3;
    expect(() => session.set("list", sparse)).toThrow(/"list" cannot hold this Array, which has holes/);
  });
});
