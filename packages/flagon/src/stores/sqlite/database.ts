import { storeFull } from "../../errors.ts";

/** What SQLite drivers take as a parameter. */
export type SqliteValue = string | number | null | Uint8Array;

/** The part of a statement that `node:sqlite`, `bun:sqlite`, better-sqlite3 and libsql have in common. */
export interface SqliteStatement {
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
}

/** The part of a database that they have in common. All of it is synchronous. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** A database that is opened when it is first asked for, so that a build without the file's directory passes. */
export interface SqliteFile {
  open(): SqliteDatabase;
  close(): void;
}

interface Settings {
  readonly synchronous: "full" | "normal";
  readonly busyTimeoutMs: number;
}

/** Throws a `TypeError` when `database` is none, or is a path and the runtime has no SQLite. */
export function openSqlite(database: string | SqliteDatabase, settings: Settings): SqliteFile {
  if (!["full", "normal"].includes(settings.synchronous)) {
    throw new TypeError('sqliteStore: synchronous is "full" or "normal"');
  }
  if (!Number.isSafeInteger(settings.busyTimeoutMs) || settings.busyTimeoutMs < 0) {
    throw new TypeError("sqliteStore: busyTimeoutMs is a number of milliseconds, 0 or more");
  }
  return typeof database === "string" ? ownFile(database, settings) : givenDatabase(database);
}

/** How long a call waits inside SQLite for another process's write, and the whole of this process with it. */
const BLOCKING_MS_MAX = 5;
/** The longest wait between two tries. */
const WAIT_MS_MAX = 20;

/** Makes a call again and again for so long as another process has the file, without holding up this one meanwhile. */
export async function patiently<Result>(timeoutMs: number, call: () => Result): Promise<Result> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (isCode(error, 13, "SQLITE_FULL")) throw storeFull(error);
      if (performance.now() >= end || !isCode(error, 5, "SQLITE_BUSY")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * WAIT_MS_MAX));
    }
  }
}

/** One of SQLite's result codes, as node:sqlite has them (with an extension in the upper bits), or as the others name them. */
function isCode(error: unknown, number: number, name: string): boolean {
  const { errcode, code } = Object(error) as { errcode?: unknown; code?: unknown };
  return (Number(errcode) & 255) === number || String(code).startsWith(name);
}

function ownFile(path: string, settings: Settings): SqliteFile {
  const Database = builtinDatabase();
  let database: (SqliteDatabase & { close(): void }) | undefined;
  return {
    open() {
      if (database !== undefined) return database;
      const opened = new Database(path);
      opened.exec(`PRAGMA busy_timeout = ${Math.min(settings.busyTimeoutMs, BLOCKING_MS_MAX)}`);
      opened.exec(`PRAGMA synchronous = ${settings.synchronous}`);
      database = opened;
      return opened;
    },
    close() {
      database?.close();
      database = undefined;
    },
  };
}

function givenDatabase(database: SqliteDatabase): SqliteFile {
  if (typeof database?.prepare !== "function" || typeof database.exec !== "function") {
    throw new TypeError(
      "sqliteStore: pass a path, or an open database of node:sqlite, bun:sqlite, better-sqlite3 or libsql",
    );
  }
  if ("batch" in database && typeof database.batch === "function") {
    throw new TypeError(
      "sqliteStore: this is a D1 database, whose calls are asynchronous: it is no SQLite file of this process",
    );
  }
  return { open: () => database, close() {} };
}

/** `node:sqlite` (Node 22.13 and later, Deno, Bun) or `bun:sqlite`, got without an import that other runtimes can't resolve. */
function builtinDatabase(): new (path: string) => SqliteDatabase & { close(): void } {
  const builtin = typeof process === "undefined" ? undefined : process.getBuiltinModule?.bind(process);
  // An older Bun has no node:sqlite and an older Node throws for a name that it doesn't know.
  const bun: { Database?: unknown } | undefined = "Bun" in globalThis ? builtin?.("bun:sqlite") : undefined;
  const Database = bun?.Database ?? builtin?.("node:sqlite")?.DatabaseSync;
  if (isDatabaseClass(Database)) return Database;
  throw new TypeError(
    "this runtime has no SQLite of its own (Node has from 22.13 on): pass an open better-sqlite3 or libsql database to sqliteStore",
  );
}

/** Workers have a `node:sqlite` in name only: its class has no methods and can't be constructed. */
function isDatabaseClass(value: unknown): value is new (path: string) => SqliteDatabase & { close(): void } {
  return typeof value === "function" && typeof value.prototype?.prepare === "function";
}
