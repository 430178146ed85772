import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "flagon";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { sqliteStore } from "flagon/sqlite";
import pg from "pg";
import { createClient } from "redis";
import { startPostgres, startRedis } from "../../test/support/services/index.ts";
import { DATA_BYTES, HOUR_MS, rowOf, START } from "./rows.ts";

/** An engine with one table of sessions in it. */
export interface Engine {
  readonly title: string;
  readonly store: Store;
  /** Adds the rows from `from` up to, not including, `to`, as fast as the engine takes them. */
  fill(from: number, to: number): Promise<void>;
  /** What the sessions take on disk, or in Redis in memory. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}

type Clock = () => number;

export async function sqlite(synchronous: "full" | "normal", now: Clock): Promise<Engine> {
  const folder = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "flagon-bench-"));
  const path = join(folder, "sessions.sqlite");
  const store = sqliteStore(path, { synchronous, now });
  await store.setup();
  return {
    title: `SQLite, synchronous = ${synchronous}`,
    store,
    async fill(from, to) {
      const database = new DatabaseSync(path);
      database.exec("PRAGMA synchronous = OFF; BEGIN");
      const filling = sqliteStore(database, { now });
      for (let n = from; n < to; n++) await filling.create(rowOf(n));
      database.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
    },
    bytes: async () => statSync(path).size,
    async close() {
      store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export async function postgres(now: Clock): Promise<Engine> {
  const server = await startPostgres({ durable: true, settings: { shared_buffers: "512MB", max_wal_size: "4GB" } });
  const pool = new pg.Pool({ connectionString: server.url });
  // A connection that lies idle may hear of the server's end before the pool's.
  pool.on("error", () => {});
  const store = postgresStore(pool, { now });
  await store.setup();
  return {
    title: "PostgreSQL, synchronous_commit = on (pg)",
    store,
    async fill(from, to) {
      await pool.query(`INSERT INTO flagon_sessions SELECT
        left(translate(encode(sha256(n::text::bytea), 'base64'), '+/', '-_'), 22), NULL, 1,
        CASE WHEN n % 3 <> 0 THEN 'user-' || n / 9 END, CASE WHEN n % 3 <> 0 THEN 'Firefox on Linux' END,
        ${START}, ${START} + n, ${START} + CASE WHEN n % 10 = 0 THEN ${HOUR_MS} ELSE ${720 * HOUR_MS} END,
        decode(repeat(md5(n::text), ${DATA_BYTES / 16}), 'hex') FROM generate_series(${from}, ${to - 1}) n`);
      await pool.query("VACUUM ANALYZE flagon_sessions");
      await pool.query("CHECKPOINT");
    },
    bytes: async () => {
      const { rows } = await pool.query("SELECT pg_total_relation_size('flagon_sessions')::int8 AS bytes");
      return Number(rows[0].bytes);
    },
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}

export async function redis(now: Clock): Promise<Engine> {
  const server = await startRedis();
  const client = await createClient({ url: server.url }).connect();
  const store = redisStore(client, { now });
  const used = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
  const before = await used();
  return {
    title: "Redis, in memory (node-redis)",
    store,
    async fill(from, to) {
      for (let n = from; n < to; n += 500) {
        await Promise.all(Array.from({ length: Math.min(500, to - n) }, (_, i) => store.create(rowOf(n + i))));
      }
    },
    bytes: async () => (await used()) - before,
    async close() {
      client.destroy();
      await server.stop();
    },
  };
}
