import type { Store } from "../store.ts";
import { isProduction } from "../util/environment.ts";
import { checkNames } from "../util/option-names.ts";
import { type PruneInterval, pruneInBatches, pruneNowAndThen } from "./shared/prune.ts";
import { inOrderOf, isRow, taken, toColumns, toSession } from "./shared/rows.ts";
import { quoteName, toText } from "./shared/text.ts";
import {
  openSqlite,
  patiently,
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteValue,
} from "./sqlite/database.ts";
import { isSetUp, setUp } from "./sqlite/schema.ts";

export type { SqliteDatabase, SqliteStatement, SqliteValue };

/** How {@link sqliteStore} is set up. */
export interface SqliteStoreOptions {
  /** The table's name; default `flagon_sessions`. */
  readonly table?: string;
  /**
   * What a commit waits for, where this store opened the file itself. `"full"` (default): the disk has it, so that a
   * sign-out holds even when the power fails the moment after. `"normal"`: the operating system has it; several times
   * faster, a crash of the process loses nothing, but after a power failure the last seconds are gone and a session
   * that was ended in them is alive again.
   */
  readonly synchronous?: "full" | "normal";
  /**
   * How long a write waits for another process's, in milliseconds; default 1,000. Other requests go on meanwhile: SQLite's
   * calls are synchronous, so that it is tried again and again for a few milliseconds each. A database that was given waits in
   * each of them as its owner has set it (better-sqlite3: five seconds; `timeout: 5` is enough here).
   */
  readonly busyTimeoutMs?: number;
  /**
   * How often expired rows are removed; default `"15m"`. A write begins it when it is due, and waits for nothing. False for whoever
   * runs `sessions.prune()` from a job, or keeps no process for so long.
   */
  readonly prune?: PruneInterval;
  /** The clock in milliseconds, for tests. */
  readonly now?: () => number;
}

/** Sessions in SQLite, with its table to set up and its file to close. */
export interface SqliteStore extends Store {
  /**
   * Creates the table and its indexes, or brings older ones up to date; does nothing when they are. Run it when the app
   * is deployed. Outside production (`NODE_ENV`) the store does it by itself at first use.
   */
  setup(): Promise<void>;
  /** Closes the file that this store opened; a database that was given stays open. The next use opens it again. */
  close(): void;
}

/**
 * Sessions in an SQLite file: one machine, any number of processes.
 *
 * `database` is a path (default `flagon-sessions.sqlite` in the working directory), opened through `node:sqlite` or
 * `bun:sqlite`, or an open database of `node:sqlite`, `bun:sqlite`, better-sqlite3 or libsql's synchronous API. One that
 * is given keeps its settings, but that `setup` turns on WAL, without which readers wait for writers.
 *
 * Throws a `TypeError` for a path where the runtime has no SQLite, for anything that is no database, and for a table's
 * name with other than letters, digits and `_`. In production every method rejects with a `TypeError` until `setup` ran.
 */
export function sqliteStore(
  database: string | SqliteDatabase = "flagon-sessions.sqlite",
  options: SqliteStoreOptions = {},
): SqliteStore {
  checkNames(options, "table synchronous busyTimeoutMs prune now", "sqliteStore");
  const { table = "flagon_sessions", now = Date.now, synchronous = "full", busyTimeoutMs = 1000 } = options;
  const pruneIfDue = pruneNowAndThen(options.prune ?? "15m", () => deleteExpired(now()));
  const name = quoteName(table);
  const file = openSqlite(database, { synchronous, busyTimeoutMs });
  const whenFree = <Result>(call: () => Result): Promise<Result> => patiently(busyTimeoutMs, call);
  let statements: Statements | undefined;

  async function setup(): Promise<void> {
    await setUp(file.open(), table, busyTimeoutMs);
  }

  /** Every use passes here; only the first one waits. */
  async function ready(): Promise<Statements> {
    if (!isSetUp(file.open(), table)) {
      if (isProduction()) {
        throw new TypeError(
          `the table ${name} is missing or out of date: await store.setup() when the app is deployed`,
        );
      }
      await setup();
    }
    statements ??= prepare(file.open(), name);
    return statements;
  }

  async function deleteExpired(moment: number): Promise<number> {
    const { prune } = statements ?? (await ready());
    return pruneInBatches(async (limit) => changes(await whenFree(() => prune.run(moment, limit))));
  }

  return {
    setup,
    close() {
      statements = undefined;
      file.close();
    },
    async read(id) {
      const { read } = statements ?? (await ready());
      const row = await whenFree(() => read.get(toText(id), now()));
      return isRow(row) ? toSession(row) : null;
    },
    async readMany(ids) {
      const { readMany } = statements ?? (await ready());
      const rows = await whenFree(() => readMany.all(JSON.stringify(ids.map(toText)), now()));
      return inOrderOf(ids, rows.filter(isRow).map(toSession));
    },
    async create(session) {
      const { create } = statements ?? (await ready());
      const created = await whenFree(() => create.run(toText(session.id), ...toColumns(session), now()));
      if (changes(created) === 0) throw taken();
      pruneIfDue();
    },
    async replace(session, version) {
      const { replace } = statements ?? (await ready());
      const ends = session.data === null ? 1 : 0;
      const id = toText(session.id);
      const replaced = await whenFree(() => replace.run(...toColumns(session), id, version, now(), ends));
      pruneIfDue();
      return changes(replaced) === 1;
    },
    async touch(id, clocks) {
      const { touch } = statements ?? (await ready());
      await whenFree(() => touch.run(clocks.expiresAt, clocks.lastSeenAt, toText(id), now()));
    },
    async delete(id) {
      const { remove } = statements ?? (await ready());
      await whenFree(() => remove.run(toText(id)));
    },
    async list(userId) {
      const { list } = statements ?? (await ready());
      const rows = await whenFree(() => list.all(toText(userId), now()));
      return rows.filter(isRow).map(toSession);
    },
    async count() {
      const { count } = statements ?? (await ready());
      const row = await whenFree(() => count.get(now()));
      return Number((row as { n: number | bigint }).n);
    },
    deleteExpired,
  };
}

interface Statements {
  readonly read: SqliteStatement;
  readonly readMany: SqliteStatement;
  readonly create: SqliteStatement;
  readonly replace: SqliteStatement;
  readonly touch: SqliteStatement;
  readonly remove: SqliteStatement;
  readonly list: SqliteStatement;
  readonly count: SqliteStatement;
  readonly prune: SqliteStatement;
}

/**
 * One statement for each act: SQLite runs a statement wholly or not at all, under its one write lock, so that compare
 * and write can't be parted, and no transaction of ours can meet one that the database's owner has open.
 */
function prepare(database: SqliteDatabase, table: string): Statements {
  const columns = `id, version, user_id AS userId, device, created_at AS createdAt, last_seen_at AS lastSeenAt,
    expires_at AS expiresAt, data`;
  const statement = (sql: string): SqliteStatement => database.prepare(sql);
  return {
    read: statement(`SELECT ${columns} FROM ${table} WHERE id = ? AND expires_at > ?`),
    // One text for however many ids: a parameter for each would be another statement for each number of them.
    readMany: statement(`SELECT ${columns} FROM ${table}
      WHERE id IN (SELECT value FROM json_each(?)) AND expires_at > ?`),
    create: statement(`INSERT INTO ${table} (id, version, user_id, device, created_at, last_seen_at, expires_at, data)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
      version = excluded.version, user_id = excluded.user_id, device = excluded.device, created_at = excluded.created_at,
      last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at, data = excluded.data
      WHERE expires_at <= ?`),
    replace: statement(`UPDATE ${table} SET
      version = ?, user_id = ?, device = ?, created_at = ?, last_seen_at = ?, expires_at = ?, data = ?
      WHERE id = ? AND version = ? AND expires_at > ? AND (data IS NOT NULL OR ? = 1)`),
    touch: statement(`UPDATE ${table} SET expires_at = max(expires_at, ?), last_seen_at = max(last_seen_at, ?)
      WHERE id = ? AND expires_at > ? AND data IS NOT NULL`),
    remove: statement(`DELETE FROM ${table} WHERE id = ?`),
    list: statement(`SELECT ${columns} FROM ${table} WHERE user_id = ? AND expires_at > ? AND data IS NOT NULL
      ORDER BY last_seen_at DESC, created_at DESC, id`),
    count: statement(`SELECT count(*) AS n FROM ${table} WHERE expires_at > ? AND data IS NOT NULL`),
    prune: statement(`DELETE FROM ${table} WHERE rowid IN
      (SELECT rowid FROM ${table} WHERE expires_at <= ? LIMIT ?)`),
  };
}

function changes(result: { readonly changes: number | bigint }): number {
  return Number(result.changes);
}
