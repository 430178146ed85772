import { createSessions, type SessionOptions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { sqliteStore } from "flagon/sqlite";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, describe, expect, test, vi } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { startPostgres, startRedis } from "../../../../test/support/services/index.ts";
import { type Data, requestOf, SECOND, SECRET } from "../browser.ts";

type Options = SessionOptions<Data>;

const check = (options: Options): Promise<void> => createSessions<Data>({ secret: SECRET, ...options }).check();

afterEach(() => {
  vi.restoreAllMocks();
});

describe("sessions.check()", () => {
  test.each<[what: string, options: Options]>([
    ["sealed cookies", {}],
    ["a store", { store: memoryStore() }],
    ["revocations", { revocations: { store: memoryStore() } }],
    ["a store for revocations alone", { revocations: memoryStore() }],
    ["SQLite", { store: sqliteStore(":memory:") }],
  ])("has nothing to say of %s that works", async (_what, options) => {
    await expect(check(options)).resolves.toBeUndefined();
  });

  test.each<[what: string, secret: Options["secret"]]>([
    ["undefined", undefined],
    ["empty", ""],
    ["a function that has none", () => ""],
  ])("rejects while the secret is %s", async (_what, secret) => {
    await expect(createSessions<Data>(secret === undefined ? {} : { secret }).check()).rejects.toThrow(
      /npx flagon secret/,
    );
  });

  test.each<[what: string, broken: Partial<Store>, code: string]>([
    ["cannot be read", { read: () => Promise.reject(new Error("down")) }, "store_unavailable"],
    ["cannot be written", { create: () => Promise.reject(new Error("read-only")) }, "store_unavailable"],
    ["takes no removal", { delete: () => Promise.reject(new Error("no right")) }, "store_unavailable"],
    ["answers from elsewhere", { read: async () => null }, "store_corrupt"],
    ["gives no answer", { create: () => new Promise(() => {}) }, "store_timeout"],
  ])("rejects for a store that %s", async (_what, broken, code) => {
    const store = { ...memoryStore(), ...broken };
    await expect(check({ store, storeTimeout: 0.05 })).rejects.toMatchObject({ code });
    await expect(check({ revocations: { store }, storeTimeout: 0.05 })).rejects.toMatchObject({ code });
  });

  test("leaves no row behind", async () => {
    const store = memoryStore();
    const created = vi.spyOn(store, "create");
    await check({ store });
    expect(created).toHaveBeenCalledTimes(1);
    expect(await store.read(created.mock.calls[0]?.[0].id ?? "")).toBeNull();
  });

  test.each([
    [6, "behind"],
    [-6, "ahead of"],
  ])("rejects where the store's clock is %i seconds from ours", async (seconds, which) => {
    const store: Store = { ...memoryStore(), now: async () => Date.now() + seconds * SECOND };
    await expect(check({ store })).rejects.toThrow(`6 s ${which} the session store's`);
  });

  test("has nothing to say of clocks that are four seconds apart", async () => {
    await check({ store: { ...memoryStore(), now: async () => Date.now() + 4 * SECOND } });
  });
});

describeWith("redis")("sessions.check() of Redis", () => {
  test("compares the clocks, and says when it is gone", async () => {
    const server = await startRedis({ own: true });
    const client = new Redis(server.url, { maxRetriesPerRequest: 0 });
    client.on("error", () => {});
    const store = redisStore(client);
    await check({ store });
    await expect(check({ store, now: () => Date.now() + 60 * SECOND })).rejects.toThrow(/60 s ahead of/);
    await server.stop();
    await expect(check({ store })).rejects.toMatchObject({ status: 503 });
    client.disconnect();
  });
});

describeWith("postgres")("sessions.check() of PostgreSQL", () => {
  test("compares the clocks, and says when it is gone", async () => {
    const server = await startPostgres();
    const pool = new pg.Pool({ connectionString: server.url });
    pool.on("error", () => {});
    const store = postgresStore(pool);
    await check({ store });
    await expect(check({ store, now: () => Date.now() - 60 * SECOND })).rejects.toThrow(/60 s behind/);
    await server.stop();
    if (server.pid !== null) await expect(check({ store })).rejects.toMatchObject({ status: 503 });
    await pool.end();
  });
});

describe("a missing secret", () => {
  test.each<[what: string, options: Options]>([
    ["undefined", {}],
    ["empty", { secret: "" }],
    ["a function that has none", { secret: () => undefined }],
  ])(
    "(%s) is told by a process warning with the first request, even one that does not look, and once",
    (_what, options) => {
      const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
      const sessions = createSessions<Data>(options);
      expect(warn).not.toHaveBeenCalled();
      for (let n = 0; n < 3; n++) sessions.open(requestOf());
      expect(warn.mock.calls).toEqual([
        [expect.stringContaining("npx flagon secret"), { type: "FlagonWarning", code: "FLAGON_SECRET" }],
      ]);
    },
  );

  test("is told of no app that has one", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    createSessions<Data>({ secret: SECRET }).open(requestOf());
    expect(warn).not.toHaveBeenCalled();
  });
});
