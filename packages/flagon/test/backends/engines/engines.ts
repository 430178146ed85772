import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { sqliteStore } from "flagon/sqlite";
import { Cluster } from "ioredis";
import pg from "pg";
import { createClient } from "redis";
import { startPostgres, startRedis, startRedisCluster } from "../../../../../test/support/services/index.ts";

/** A store as one process has it: a connection of its own. */
export interface Connection {
  readonly store: Store;
  close(): unknown;
}

/** Where an engine is, as a word that another process can be told. */
export type Address = `${"sqlite" | "redis" | "cluster" | "postgres"} ${string}`;

export interface Engine {
  /** A further connection; where an engine lives in this process alone, the same store again. */
  connect(): Promise<Connection>;
  /** Null for an engine that no other process can reach. */
  readonly address: Address | null;
  stop(): Promise<void>;
}

export async function connectTo(address: Address): Promise<Connection> {
  const [kind, where = ""] = address.split(" ");
  if (kind === "sqlite") {
    const store = sqliteStore(where);
    return { store, close: () => store.close() };
  }
  if (kind === "redis") {
    const client = await createClient({ url: where })
      .on("error", () => {})
      .connect();
    return { store: redisStore(client), close: () => client.destroy() };
  }
  if (kind === "cluster") {
    const nodes = where.split(",").map((port) => ({ host: "127.0.0.1", port: Number(port) }));
    const client = new Cluster(nodes);
    client.on("error", () => {});
    return { store: redisStore(client), close: () => client.disconnect() };
  }
  const pool = new pg.Pool({ connectionString: where, max: 20 });
  pool.on("error", () => {});
  return { store: postgresStore(pool), close: () => pool.end() };
}

function within(store: Store, stop: () => Promise<void> = async () => {}): Engine {
  return { address: null, connect: async () => ({ store, close: () => {} }), stop };
}

function reachable(address: Address, stop: () => Promise<void>): Engine {
  return { address, connect: () => connectTo(address), stop };
}

/** Every engine, by the service that it needs; each is started when it is asked for. */
export const engines: readonly { title: string; needs: "redis" | "postgres" | null; start(): Promise<Engine> }[] = [
  { title: "memory", needs: null, start: async () => within(memoryStore()) },
  {
    title: "SQLite",
    needs: null,
    start: async () => {
      const folder = mkdtempSync(join(tmpdir(), "flagon-backends-"));
      return reachable(`sqlite ${join(folder, "sessions.sqlite")}`, async () => {
        rmSync(folder, { recursive: true, force: true });
      });
    },
  },
  {
    title: "Redis",
    needs: "redis",
    start: async () => {
      const server = await startRedis();
      return reachable(`redis ${server.url}`, () => server.stop());
    },
  },
  {
    title: "a Redis Cluster of six nodes",
    needs: "redis",
    start: async () => {
      const cluster = await startRedisCluster();
      return reachable(`cluster ${cluster.nodes.map(({ port }) => port).join(",")}`, () => cluster.stop());
    },
  },
  {
    title: "PostgreSQL",
    needs: "postgres",
    start: async () => {
      const server = await startPostgres();
      return reachable(`postgres ${server.url}`, () => server.stop());
    },
  },
  {
    title: "PGlite",
    needs: null,
    start: async () => {
      const database = new PGlite();
      return within(postgresStore(database), () => database.close());
    },
  },
];
