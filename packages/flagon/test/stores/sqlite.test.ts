import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import BetterSqlite3 from "better-sqlite3";
import { type SqliteDatabase, type SqliteStore, sqliteStore } from "flagon/sqlite";
import { storeConformance } from "flagon/testing";
import LibSql from "libsql";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { patterned } from "./patterned.ts";
import { storedSession } from "./stored-session.ts";

const directory = mkdtempSync(join(tmpdir(), "flagon-sqlite-"));
let files = 0;
const newPath = (): string => join(directory, `${++files}.sqlite`);
afterAll(() => rmSync(directory, { recursive: true }));

/** How each driver opens a file. */
const drivers: Record<string, (path: string) => SqliteDatabase & { close(): unknown }> = {
  "node:sqlite": (path) => new DatabaseSync(path),
  "better-sqlite3": (path) => new BetterSqlite3(path),
  libsql: (path) => new LibSql(path),
};

describe("sqliteStore of a path keeps the contract of a store", () => {
  const paths = new Map<unknown, string>();
  const cases = storeConformance(
    (conditions) => {
      const path = newPath();
      const store = sqliteStore(path, { ...conditions, synchronous: "normal" });
      paths.set(store, path);
      return store;
    },
    {
      makePeer: (store, conditions) => sqliteStore(paths.get(store), { ...conditions, synchronous: "normal" }),
      makeBroken: (conditions) => sqliteStore(join(directory, "nowhere", "file"), conditions),
      close: (store) => (store as SqliteStore).close(),
    },
  );
  for (const { name, run } of cases) test(name, run);
});

for (const [driver, open] of Object.entries(drivers)) {
  describe(`sqliteStore of a database of ${driver} keeps the contract of a store`, () => {
    const opened = new Map<unknown, [path: string, database: { close(): unknown }]>();
    const make = (path: string, conditions: { now: () => number }): SqliteStore => {
      const database = open(path);
      database.exec("PRAGMA synchronous = NORMAL");
      const store = sqliteStore(database, conditions);
      opened.set(store, [path, database]);
      return store;
    };
    const cases = storeConformance((conditions) => make(newPath(), conditions), {
      makePeer: (store, conditions) => make(opened.get(store)?.[0] ?? "", conditions),
      makeBroken: (conditions) => {
        const database = open(":memory:");
        database.close();
        return sqliteStore(database, conditions);
      },
      close: (store) => void opened.get(store)?.[1].close(),
    });
    for (const { name, run } of cases) test(name, run);
  });
}

describe("the file", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("is opened at first use, not when the store is made", async () => {
    const store = sqliteStore(join(directory, "nowhere", "file"));
    await expect(store.read("x")).rejects.toThrow(/unable to open/);
  });

  test("is set up by the store in development; in production only by setup(), which the error names", async () => {
    const path = newPath();
    vi.stubEnv("NODE_ENV", "production");
    const store = sqliteStore(path, { now: () => 0 });
    await expect(store.read("x")).rejects.toThrow(/store\.setup\(\)/);
    await expect(store.create(storedSession())).rejects.toThrow(TypeError);
    await store.setup();
    await store.create(storedSession());
    expect(await store.read("id")).toEqual(storedSession());
    store.close();
    vi.stubEnv("NODE_ENV", "test");
    const development = sqliteStore(newPath(), { now: () => 0 });
    expect(await development.read("x")).toBeNull();
    development.close();
  });

  test("is opened again after close()", async () => {
    const store = sqliteStore(newPath(), { now: () => 0 });
    await store.create(storedSession());
    store.close();
    store.close();
    expect(await store.read("id")).toEqual(storedSession());
    store.close();
  });

  test("may be set up by several stores at once, and again without harm", async () => {
    const path = newPath();
    const stores = Array.from({ length: 10 }, () => sqliteStore(path, { now: () => 0 }));
    await Promise.all(stores.map((store) => store.setup()));
    await stores[0]?.create(storedSession());
    await stores[1]?.setup();
    expect(await stores[2]?.read("id")).toEqual(storedSession());
    for (const store of stores) store.close();
  });

  test("has one table in WAL mode, with indexes on user and expiry that are used", async () => {
    const path = newPath();
    const store = sqliteStore(path, { table: "planned", now: () => 0 });
    await store.setup();
    store.close();
    const database = new DatabaseSync(path);
    const plan = (condition: string): string =>
      database
        .prepare(`EXPLAIN QUERY PLAN SELECT * FROM planned WHERE ${condition}`)
        .all()
        .map((row) => row.detail)
        .join();
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(plan("id = ? AND expires_at > ?")).toContain("sqlite_autoindex_planned_1");
    expect(plan("id IN (SELECT value FROM json_each(?)) AND expires_at > ?")).toContain("sqlite_autoindex_planned_1");
    expect(plan("user_id = ? AND expires_at > ? AND data IS NOT NULL")).toContain("planned_user");
    expect(plan("expires_at <= ? LIMIT 200")).toContain("planned_expiry");
    database.close();
  });

  test("of a newer Flagon is refused", async () => {
    const database = new DatabaseSync(":memory:");
    await sqliteStore(database).setup();
    database.exec("UPDATE flagon_schema SET version = 2");
    await expect(sqliteStore(database).setup()).rejects.toThrow(TypeError);
    await expect(sqliteStore(database).read("x")).rejects.toThrow(TypeError);
    database.close();
  });

  test("that somebody else has locked makes a write fail when the time is over, and no sooner succeed", async () => {
    const path = newPath();
    const store = sqliteStore(path, { now: () => 0, busyTimeoutMs: 1 });
    await store.create(storedSession());
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    await expect(store.replace(storedSession({ version: 2 }), 1)).rejects.toThrow(/locked/);
    expect((await store.read("id"))?.version).toBe(1);
    other.exec("COMMIT");
    expect(await store.replace(storedSession({ version: 2 }), 1)).toBe(true);
    other.close();
    store.close();
  });

  test.each(["full", "normal"] as const)(
    "is opened with synchronous = %s, and holds this process up for milliseconds only",
    async (synchronous) => {
      const exec = vi.spyOn(DatabaseSync.prototype, "exec");
      const store = sqliteStore(":memory:", { synchronous, busyTimeoutMs: 77 });
      await store.read("x");
      const statements = exec.mock.calls.flat();
      exec.mockRestore();
      expect(statements.slice(0, 2)).toEqual(["PRAGMA busy_timeout = 5", `PRAGMA synchronous = ${synchronous}`]);
      store.close();
    },
  );
});

describe("a database that was given", () => {
  test("keeps its settings", async () => {
    const path = newPath();
    const own = new DatabaseSync(path);
    own.exec("PRAGMA synchronous = OFF");
    await sqliteStore(own).read("x");
    expect(own.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 0 });
    expect(own.prepare("PRAGMA busy_timeout").get()).toEqual({ timeout: 0 });
    own.exec("PRAGMA busy_timeout = 9");
    await sqliteStore(own).read("x");
    expect(own.prepare("PRAGMA busy_timeout").get()).toEqual({ timeout: 9 });
    const store = sqliteStore(own);
    store.close();
    expect(await store.read("x")).toBeNull();
    own.close();
  });

  test("may have a transaction of its owner's open: writes are part of it", async () => {
    const own = new DatabaseSync(":memory:");
    const store = sqliteStore(own, { now: () => 0 });
    await store.setup();
    own.exec("BEGIN");
    await store.create(storedSession());
    own.exec("ROLLBACK");
    expect(await store.read("id")).toBeNull();
    own.close();
  });

  test("may read integers as bigint", async () => {
    const own = new BetterSqlite3(":memory:");
    own.defaultSafeIntegers(true);
    const store = sqliteStore(own, { now: () => 0 });
    await store.create(storedSession({ userId: "u" }));
    expect(await store.list("u")).toEqual([storedSession({ userId: "u" })]);
    own.close();
  });
});

test.each([
  ["text that Flagon did not write", "UPDATE t SET device = '\\x'"],
  ["no text", "UPDATE t SET user_id = x'00'"],
  ["no integer", "UPDATE t SET version = 1.5"],
  ["no bytes", "UPDATE t SET data = 'text'"],
])("a row that holds %s is store_corrupt", async (_what, sql) => {
  const own = new DatabaseSync(":memory:");
  // As a table looks that somebody else's tool has copied: without STRICT.
  own.exec(`CREATE TABLE t (id TEXT PRIMARY KEY, version, user_id, device, created_at, last_seen_at, expires_at, data);
    CREATE TABLE flagon_schema (name, version); INSERT INTO flagon_schema VALUES ('t', 1)`);
  const store = sqliteStore(own, { table: "t", now: () => 0 });
  await store.create(storedSession({ userId: "u", device: "d" }));
  own.exec(sql);
  await expect(store.read("id")).rejects.toMatchObject({ name: "SessionError", code: "store_corrupt" });
  own.close();
});

test.each(Object.keys(drivers))(
  "a write in a database of %s waits for another process's, and this one goes on",
  async (driver) => {
    const path = newPath();
    const own = drivers[driver]?.(path) as SqliteDatabase & { close(): unknown };
    own.exec("PRAGMA busy_timeout = 0");
    const store = sqliteStore(own, { now: () => 0 });
    await store.create(storedSession());
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const written = store.replace(storedSession({ version: 2 }), 1);
    await sleep(60);
    other.exec("COMMIT");
    expect(await written).toBe(true);
    other.close();
    own.close();
  },
);

test("names D1 when it is given that", () => {
  const d1 = { prepare: () => {}, exec: () => {}, batch: () => {}, dump: () => {} };
  expect(() => sqliteStore(d1 as never)).toThrow(/D1/);
});

test.each([null, 1, {}, { prepare: 1 }])("throws a TypeError for %j as a database", (database) => {
  expect(() => sqliteStore(database as never)).toThrow(TypeError);
});

test.each([{ table: "a b" }, { table: "main.t" }, { synchronous: "off" }, { busyTimeoutMs: -1 }])(
  "throws a TypeError for the options %j",
  (options) => {
    expect(() => sqliteStore(":memory:", options as never)).toThrow(TypeError);
  },
);

test("throws a TypeError that says what to pass where the runtime has no SQLite", () => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
  expect(() => sqliteStore("file")).toThrow(/better-sqlite3/);
  expect(() => sqliteStore(new BetterSqlite3(":memory:"))).not.toThrow();
  vi.restoreAllMocks();
});

describe("two processes on one file", () => {
  /** A process that writes; `versions` is what it said it had written. */
  function startWriter(path: string, id: string): { child: ChildProcess; versions: number[] } {
    const child = spawn(
      process.execPath,
      ["--conditions=flagon-source", join(import.meta.dirname, "sqlite-writer.ts"), path, id],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const versions: number[] = [];
    child.stdout.setEncoding("utf8");
    let rest = "";
    child.stdout.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      versions.push(...lines.map(Number));
    });
    return { child, versions };
  }

  test("lose nothing that was acknowledged, and leave no torn row, when one is killed in the middle of its writes", async () => {
    const path = newPath();
    const here = sqliteStore(path, { now: () => 0, busyTimeoutMs: 10_000, synchronous: "normal" });
    await here.setup();
    await here.create(storedSession({ id: "here" }));
    let version = 1;
    for (let round = 0; round < 5; round++) {
      const { child, versions } = startWriter(path, "there");
      const enough = versions.length + 20 + round * 7;
      while (versions.length < enough) {
        expect(await here.replace(storedSession({ id: "here", version: version + 1 }), version)).toBe(true);
        version++;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      child.kill("SIGKILL");
      await once(child, "close");
      const survivor = await here.read("there");
      expect(survivor?.version).toBeGreaterThanOrEqual(versions.at(-1) ?? 0);
      expect(survivor?.data).toEqual(patterned(survivor?.version ?? 0));
      expect((await here.read("here"))?.version).toBe(version);
    }
    here.close();
    const database = new DatabaseSync(path);
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    database.close();
  }, 60_000);
});
