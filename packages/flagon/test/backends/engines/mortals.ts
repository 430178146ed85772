import type { Store } from "flagon";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { Cluster, Redis } from "ioredis";
import pg from "pg";
import postgres from "postgres";
import { expect } from "vitest";
import { type Server, startPostgres, startRedisCluster } from "../../../../../test/support/services/index.ts";
import { rowIdOf } from "../../records.ts";
import { withReplica as withReplicaOfIoredis } from "./recipes/ioredis.ts";
import { openCluster, withReplica as withReplicaOfNodeRedis } from "./recipes/node-redis.ts";
import { openPool } from "./recipes/pg.ts";

/** An engine that is killed while an app writes to it, and the app's own connection to it. */
export interface Mortal {
  readonly store: Store;
  /** What goes wrong a moment before it is killed; the writes between the two are the ones in danger. */
  weaken(ids: readonly string[]): Promise<void>;
  /** Kills what has the first of these sessions. Resolves which of them lived there, when it is dead. */
  kill(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** What an operator or a supervisor does then; the app itself is left alone. */
  recover(): Promise<void>;
  stop(): Promise<void>;
}

type Connection = { readonly store: Store; close(): unknown };

export const patience = { timeout: 60_000, interval: 20 } as const;

export function poolOf(url: string): Connection {
  return onPool(new pg.Pool({ connectionString: url }));
}

/** The same, but on the server's `synchronous_commit = off` it asks for more. */
export function safePoolOf(url: string): Connection {
  return onPool(openPool(url));
}

function onPool(pool: pg.Pool): Connection {
  pool.on("error", () => {});
  return { store: postgresStore(pool), close: () => pool.end() };
}

export function postgresJsOf(url: string): Connection {
  const sql = postgres(url, { onnotice: () => {} });
  return { store: postgresStore(sql), close: () => sql.end({ timeout: 1 }) };
}

/** Kill -9 of every process that PostgreSQL has, then a new start on the same folder. */
export async function onPostgres(connect: (url: string) => Connection, synchronousCommit: string): Promise<Mortal> {
  const settings = { synchronous_commit: synchronousCommit };
  const server = await startPostgres({ own: true, durable: true, settings });
  const { store, close } = connect(server.url);
  // The first use sets the table up.
  await store.read("none");
  return {
    store,
    weaken: async () => {},
    kill: async (ids) => {
      await server.kill9();
      return new Set(ids);
    },
    recover: () => server.restart(),
    stop: async () => {
      await close();
      await server.stop();
    },
  };
}

type ConnectToCluster = (ports: readonly number[], waits: boolean) => Promise<Connection>;

export const nodeRedisOf: ConnectToCluster = async (ports, waits) => {
  const cluster = openCluster(ports.map((port) => `redis://127.0.0.1:${port}`));
  await cluster.connect();
  return { store: redisStore(waits ? withReplicaOfNodeRedis(cluster) : cluster), close: () => cluster.destroy() };
};

export const ioredisOf: ConnectToCluster = async (ports, waits) => {
  const cluster = new Cluster(ports.map((port) => ({ host: "127.0.0.1", port })));
  cluster.on("error", () => {});
  return { store: redisStore(waits ? withReplicaOfIoredis(cluster) : cluster), close: () => cluster.disconnect() };
};

export interface ClusterTraits {
  /** Whether a write counts only when a replica has it. */
  readonly waits: boolean;
  /** Whether the replica is cut off from its master before the kill. */
  readonly cutsOff: boolean;
}

/** Kill -9 of one master of three; its only replica takes over by itself. */
export async function onCluster(connect: ConnectToCluster, { waits, cutsOff }: ClusterTraits): Promise<Mortal> {
  const cluster = await startRedisCluster();
  const { store, close } = await connect(
    cluster.nodes.map(({ port }) => port),
    waits,
  );
  const masterOf = (id: string): Promise<Server> => cluster.masterOf(keyOf(id));
  const replicaOf = (master: Server): Server => cluster.nodes[(cluster.nodes.indexOf(master) + 3) % 6] as Server;
  let victim: Server | null = null;
  let key = "";
  return {
    store,
    async weaken([id = ""]) {
      if (!cutsOff) return;
      const master = await masterOf(id);
      // Frozen, so that it can't connect again, before the master closes the connection on which it would still be told.
      replicaOf(master).pause();
      const redis = new Redis(master.port, "127.0.0.1");
      await redis.call("CLIENT", "KILL", "TYPE", "replica");
      redis.disconnect();
    },
    async kill(ids) {
      key = keyOf(ids[0] ?? "");
      const owners = await cluster.mastersOf(ids.map(keyOf));
      victim = owners[0] as Server;
      await victim.kill9();
      if (cutsOff) replicaOf(victim).resume();
      return new Set(ids.filter((_, index) => owners[index] === victim));
    },
    async recover() {
      if (!waits) return;
      // Who waits for a replica waits until there is one again. Not earlier than this: these nodes keep nothing on disk, and a
      // master that is back before it was missed would have its replica forget all that it has.
      await expect.poll(async () => (await cluster.masterOf(key)) === victim, patience).toBe(false);
      await victim?.restart();
    },
    async stop() {
      await close();
      await cluster.stop();
    },
  };
}

/** A session's own id has its sign-in id in it, which its row's has not. */
function keyOf(id: string): string {
  return `flagon:s:${rowIdOf({ id })}`;
}
