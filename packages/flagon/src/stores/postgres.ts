import { createHash } from "node:crypto";
import { SessionError, storeFull } from "../errors.ts";
import type { Store, StoredSession } from "../store.ts";
import { isProduction } from "../util/environment.ts";
import { checkNames } from "../util/option-names.ts";
import { connectionOf, type PostgresClient, type PostgresValue } from "./postgres/client.ts";
import { type PruneInterval, pruneInBatches, pruneNowAndThen } from "./shared/prune.ts";
import { inOrderOf, taken, toColumns, toSession } from "./shared/rows.ts";
import { quoteName, toKey, toText } from "./shared/text.ts";

export type { PostgresClient };

/** How {@link postgresStore} is set up. */
export interface PostgresStoreOptions {
  /** The table's name, with its schema in front if need be (`app.sessions`); default `flagon_sessions`. */
  readonly table?: string;
  /**
   * Whether statements are prepared, once for each connection, by name; default true. False for a pooler between here and
   * the server that hands each statement to another connection and knows no prepared ones (PgBouncer before 1.21).
   */
  readonly prepare?: boolean;
  /**
   * How often expired rows are removed; default `"15m"`. A write begins it when it is due, and waits for nothing. False for whoever
   * runs `sessions.prune()` from a job, or keeps no process for so long.
   */
  readonly prune?: PruneInterval;
  /** The clock in milliseconds, for tests. */
  readonly now?: () => number;
}

/** Sessions in PostgreSQL, with its table to set up. */
export interface PostgresStore extends Store {
  /**
   * Runs {@link postgresSchema}; looks, and does nothing, when the table is up to date. Run it when the app is deployed. Outside
   * production (`NODE_ENV`) the store does it by itself when the table is missing. Rejects with a `SessionError`
   * `store_unavailable` when another transaction holds the table for five seconds.
   */
  setup(): Promise<void>;
}

/**
 * Sessions in PostgreSQL. `client` is a `Pool` of pg (or a driver of that shape), postgres.js's `sql`, or a PGlite. A
 * `Client` of pg works as well, one statement after another.
 *
 * A commit waits for the disk as `synchronous_commit` says; where that is off, a crash of the server can bring back a
 * session that was ended in its last moments.
 *
 * Throws a `TypeError` for anything that is no client, and for a table's name with other than letters, digits and `_`.
 * In production every method rejects with a `TypeError` while the table is missing.
 */
export function postgresStore(client: PostgresClient, options: PostgresStoreOptions = {}): PostgresStore {
  checkNames(options, "table prepare prune now", "postgresStore");
  const { table = "flagon_sessions", now = Date.now, prepare = true } = options;
  const schema = postgresSchema(table);
  const pruneIfDue = pruneNowAndThen(options.prune ?? "15m", () => deleteExpired(now()));
  const connection = connectionOf(client, prepare);
  const sql = statementsFor(qualified(table));
  const names = namesOf(sql);

  async function setup(): Promise<void> {
    const [row] = await connection.query("", FIND_SCHEMA, [qualified(table)]);
    const found = Number(/schema (\d+)$/.exec(String(row?.[0]))?.[1] ?? 0);
    if (found > SCHEMA) {
      throw new TypeError(`the table ${table} was set up by a newer Flagon (schema ${found}): update this one`);
    }
    // Nothing to do takes no lock, and no right to create: many instances start while a dump runs.
    if (found === SCHEMA) return;
    try {
      await connection.script(schema);
    } catch (cause) {
      if (codeOf(cause) !== LOCK_NOT_AVAILABLE) throw cause;
      const message = `the table ${table} cannot be set up while another transaction holds it (a dump, a migration): try again afterwards`;
      throw new SessionError("store_unavailable", message, { cause });
    }
  }

  async function run(act: keyof Statements, values: PostgresValue[]): Promise<unknown[][]> {
    for (let tries = 1; ; tries++) {
      try {
        return await connection.query(names[act], sql[act], values);
      } catch (error) {
        const code = codeOf(error);
        if (code === UNDEFINED_TABLE) await setUpInDevelopment(error);
        // Another write got there first, under an isolation that the database's owner chose: look again.
        else if (code === DISK_FULL) throw storeFull(error);
        else if (code !== SERIALIZATION_FAILURE && code !== DEADLOCK) throw error;
        if (tries === 5) throw error;
      }
    }
  }

  async function setUpInDevelopment(cause: unknown): Promise<void> {
    if (!isProduction()) return setup();
    throw new TypeError(
      `there is no table ${table}: await store.setup() when the app is deployed, or run what postgresSchema() returns`,
      { cause },
    );
  }

  function deleteExpired(moment: number): Promise<number> {
    return pruneInBatches(async (limit) => countOf(await run("prune", [moment, limit])));
  }

  return {
    setup,
    async read(id) {
      const [row] = await run("read", [key(id), now()]);
      return row === undefined ? null : fromRow(row);
    },
    async readMany(ids) {
      const rows = await run("readMany", [JSON.stringify(ids.map(key)), now()]);
      return inOrderOf(ids, rows.map(fromRow));
    },
    async create(session) {
      const created = await run("create", [key(session.id), longId(session.id), ...toColumns(session), now()]);
      if (created.length === 0) throw taken();
      pruneIfDue();
    },
    async replace(session, version) {
      const replaced = await run("replace", [key(session.id), ...toColumns(session), version, now()]);
      pruneIfDue();
      return replaced.length === 1;
    },
    async touch(id, clocks) {
      await run("touch", [key(id), clocks.expiresAt, clocks.lastSeenAt, now()]);
    },
    async delete(id) {
      await run("remove", [key(id)]);
    },
    async list(userId) {
      return (await run("list", [toText(userId), now()])).map(fromRow);
    },
    async now() {
      return countOf(await connection.query("", "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint", []));
    },
    async count() {
      return countOf(await run("count", [now()]));
    },
    deleteExpired,
  };
}

const SCHEMA = 1;
/** PostgreSQL's own codes (appendix A of its manual). */
const UNDEFINED_TABLE = "42P01";
const SERIALIZATION_FAILURE = "40001";
const DEADLOCK = "40P01";
const DISK_FULL = "53100";
const LOCK_NOT_AVAILABLE = "55P03";
const FIND_SCHEMA = "SELECT obj_description(to_regclass($1), 'pg_class')";
/** A row of a B-tree index holds 2,704 bytes: longer ids are kept beside their digest. */
const ID_BYTES_MAX = 255;
/**
 * The SQL that `setup` runs, for those who migrate by hand: one transaction when sent as one text, and nothing new when
 * run again. It waits five seconds at most for who else holds the table. Throws a `TypeError` for a table's name with other than
 * letters, digits and `_`.
 *
 * `data` is sealed, so compressing it (PostgreSQL's default for long values) is work for nothing. The user's index is a
 * hash: it takes a user id of any length. Two instances that start at once wait for each other.
 */
export function postgresSchema(table = "flagon_sessions"): string {
  const name = qualified(table);
  const bare = table.split(".").at(-1);
  return `SELECT set_config('lock_timeout', '5s', true);
SELECT pg_advisory_xact_lock(8676421100);
CREATE TABLE IF NOT EXISTS ${name} (
  id text COLLATE "C" PRIMARY KEY,
  long_id text,
  version bigint NOT NULL,
  user_id text COLLATE "C",
  device text,
  created_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  data bytea
);
ALTER TABLE ${name} ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS "${bare}_user" ON ${name} USING hash (user_id);
CREATE INDEX IF NOT EXISTS "${bare}_expiry" ON ${name} (expires_at);
COMMENT ON TABLE ${name} IS 'Flagon sessions, schema ${SCHEMA}';
`;
}

type Statements = Record<
  "read" | "readMany" | "create" | "replace" | "touch" | "remove" | "list" | "count" | "prune",
  string
>;

/**
 * One statement for each act: a statement is atomic, and under READ COMMITTED an UPDATE that waited for another one
 * checks its WHERE against the row that the other left.
 */
function statementsFor(table: string): Statements {
  const columns = "coalesce(long_id, id), version, user_id, device, created_at, last_seen_at, expires_at, data";
  return {
    read: `SELECT ${columns} FROM ${table} WHERE id = $1 AND expires_at > $2`,
    // Drivers do not agree on what an array is as a parameter; on a text they do.
    readMany: `SELECT ${columns} FROM ${table}
      WHERE id = ANY (ARRAY(SELECT json_array_elements_text($1::text::json))) AND expires_at > $2`,
    create: `INSERT INTO ${table} AS t
      (id, long_id, version, user_id, device, created_at, last_seen_at, expires_at, data)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET
      version = $3, user_id = $4, device = $5, created_at = $6, last_seen_at = $7, expires_at = $8, data = $9
      WHERE t.expires_at <= $10 RETURNING 1`,
    replace: `UPDATE ${table} SET
      version = $2, user_id = $3, device = $4, created_at = $5, last_seen_at = $6, expires_at = $7, data = $8
      WHERE id = $1 AND version = $9 AND expires_at > $10 AND (data IS NOT NULL OR $8::bytea IS NULL) RETURNING 1`,
    touch: `UPDATE ${table} SET expires_at = greatest(expires_at, $2), last_seen_at = greatest(last_seen_at, $3)
      WHERE id = $1 AND expires_at > $4 AND data IS NOT NULL`,
    remove: `DELETE FROM ${table} WHERE id = $1`,
    list: `SELECT ${columns} FROM ${table} WHERE user_id = $1 AND expires_at > $2 AND data IS NOT NULL
      ORDER BY last_seen_at DESC, created_at DESC, id`,
    count: `SELECT count(*) FROM ${table} WHERE expires_at > $1 AND data IS NOT NULL`,
    // The array makes the inner SELECT run once. Rows that a request holds are left for the next time. Of many instances that
    // prune one removes a batch at a time; the others find nothing to do.
    prune: `WITH gone AS (DELETE FROM ${table} WHERE id = ANY (ARRAY(
      SELECT id FROM ${table} WHERE expires_at <= $1 AND (SELECT pg_try_advisory_xact_lock(8676421101))
      LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1)
      SELECT count(*) FROM gone`,
  };
}

function namesOf(statements: Statements): Statements {
  const { read, readMany, create, replace, touch, remove, list, count, prune } = statements;
  return {
    read: nameOf(read),
    readMany: nameOf(readMany),
    create: nameOf(create),
    replace: nameOf(replace),
    touch: nameOf(touch),
    remove: nameOf(remove),
    list: nameOf(list),
    count: nameOf(count),
    prune: nameOf(prune),
  };
}

/** A connection refuses a name that it knows for another text, so the text decides. */
function nameOf(text: string): string {
  return `flagon_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
}

function fromRow(row: unknown[]): StoredSession {
  const [id, version, userId, device, createdAt, lastSeenAt, expiresAt, data] = row;
  return toSession({ id, version, userId, device, createdAt, lastSeenAt, expiresAt, data });
}

function key(id: string): string {
  return toKey(id, ID_BYTES_MAX);
}

function longId(id: string): string | null {
  return key(id).startsWith('"') ? toText(id) : null;
}

function countOf(rows: unknown[][]): number {
  return Number(rows[0]?.[0] ?? 0);
}

function qualified(table: string): string {
  const parts = table.split(".");
  if (parts.length > 2)
    throw new TypeError(`${JSON.stringify(table)} can't be a table's name: at most one schema before it`);
  return parts.map(quoteName).join(".");
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
