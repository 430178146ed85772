import { quoteName } from "../shared/text.ts";
import { patiently, type SqliteDatabase } from "./database.ts";

/**
 * What each schema adds to the one before it; never changed once released. `name` is the table's bare name.
 *
 * The versions stand in a table of their own, because `PRAGMA user_version` belongs to the file's owner. A row is a few
 * hundred bytes to a few thousand, too large for WITHOUT ROWID to be of use.
 */
const steps: readonly ((name: string) => string)[] = [
  (name) => `
    CREATE TABLE "${name}" (
      id TEXT NOT NULL PRIMARY KEY,
      version INTEGER NOT NULL,
      user_id TEXT,
      device TEXT,
      created_at INTEGER NOT NULL,
      last_seen_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      data BLOB
    ) STRICT;
    CREATE INDEX "${name}_user" ON "${name}" (user_id) WHERE user_id IS NOT NULL;
    CREATE INDEX "${name}_expiry" ON "${name}" (expires_at);`,
];

/** Which schema `table` has; 0: none. Throws a `TypeError` when a newer Flagon made it. */
export function schemaVersion(database: SqliteDatabase, table: string): number {
  const known = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'flagon_schema'").get();
  if (known === undefined || known === null) return 0;
  const row = database.prepare("SELECT version FROM flagon_schema WHERE name = ?").get(table);
  const version = typeof row === "object" && row !== null && "version" in row ? Number(row.version) : 0;
  if (version > steps.length) {
    throw new TypeError(
      `the table ${quoteName(table)} was set up by a newer Flagon (schema ${version}): update this one`,
    );
  }
  return version;
}

export function isSetUp(database: SqliteDatabase, table: string): boolean {
  return schemaVersion(database, table) === steps.length;
}

/** Brings the table up to date in one transaction, whoever else does so at the same time; does nothing where it is. */
export async function setUp(database: SqliteDatabase, table: string, busyTimeoutMs: number): Promise<void> {
  await turnOnWal(database, busyTimeoutMs);
  if (isSetUp(database, table)) return;
  // From its beginning to its end without a pause: another connection of this process would wait for it in vain.
  await patiently(busyTimeoutMs, () => {
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(
        "CREATE TABLE IF NOT EXISTS flagon_schema (name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT",
      );
      for (const step of steps.slice(schemaVersion(database, table))) database.exec(step(table));
      database.prepare("INSERT OR REPLACE INTO flagon_schema (name, version) VALUES (?, ?)").run(table, steps.length);
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  });
}

/**
 * Write-ahead logging, kept in the file from then on: readers never wait for a writer, and a process that is killed in
 * the middle of a write leaves a file that opens as if the write had not begun. SQLite does not honour the busy timeout
 * here, so that two processes that start at once would fail each other.
 */
async function turnOnWal(database: SqliteDatabase, busyTimeoutMs: number): Promise<void> {
  await patiently(busyTimeoutMs, () => database.prepare("PRAGMA journal_mode = WAL").get());
}
