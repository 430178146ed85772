import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import BetterSqlite3 from "better-sqlite3";
import { type SqliteDatabase, type SqliteStore, sqliteStore } from "flagon/sqlite";
import { storeConformance } from "flagon/testing";
import LibSql from "libsql";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
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
