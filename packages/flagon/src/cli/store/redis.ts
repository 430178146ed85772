import type { RedisClient } from "../../stores/redis.ts";

interface OpenRedis {
  readonly client: RedisClient;
  /** Whether the one server that was asked is part of a Cluster, where most keys live elsewhere. */
  readonly isClusterNode: boolean;
  close(): Promise<void>;
}

/** Connects with `name`'s module, `driver`; where the URL is that of one node, to the whole Cluster. */
export async function connectRedis(name: string, driver: unknown, url: string, connectMs: number): Promise<OpenRedis> {
  const connect = name === "redis" ? nodeRedis : ioRedis;
  const opened = await connect(driver, url, connectMs, false);
  if (!opened.isClusterNode) return opened;
  await opened.close();
  return connect(driver, url, connectMs, true);
}

/** What a Cluster's other nodes need to be told, since the URL names one of them. */
function partsOf(url: string): { username?: string; password?: string; tls?: object } {
  const { protocol, username, password } = new URL(url);
  return {
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
    ...(protocol === "rediss:" && { tls: {} }),
  };
}

/** The parts of the drivers that are used here; what they are is for `redisStore` to check. */
interface IoRedis {
  new (url: string, options: object): IoRedisClient;
  Cluster: new (nodes: string[], options: object) => IoRedisClient;
}

type IoRedisClient = RedisClient & {
  on(event: "error", listener: (error: Error) => void): void;
  connect(): Promise<void>;
  disconnect(): void;
  call(command: string, part: string): Promise<unknown>;
};

async function ioRedis(driver: unknown, url: string, connectTimeout: number, isCluster: boolean): Promise<OpenRedis> {
  const { default: Redis } = driver as { default: IoRedis };
  const once = { maxRetriesPerRequest: 0, retryStrategy: () => null, connectTimeout };
  const redisOptions = { ...once, ...partsOf(url) };
  const client = isCluster
    ? new Redis.Cluster([url], { redisOptions, clusterRetryStrategy: () => null, lazyConnect: true })
    : new Redis(url, { ...once, lazyConnect: true });
  let failure: Error | undefined;
  client.on("error", (error) => {
    failure = error;
  });
  await client.connect().catch((error: unknown) => {
    throw failure ?? error;
  });
  const isClusterNode = !isCluster && isClusterInfo(await client.call("INFO", "cluster"));
  return { client, isClusterNode, close: async () => client.disconnect() };
}

interface NodeRedis {
  createClient(options: object): NodeRedisClient & { info(section: string): Promise<unknown> };
  createCluster(options: object): NodeRedisClient;
}

type NodeRedisClient = RedisClient & {
  on(event: "error", listener: () => void): void;
  connect(): Promise<unknown>;
  destroy(): void;
};

async function nodeRedis(driver: unknown, url: string, connectTimeout: number, isCluster: boolean): Promise<OpenRedis> {
  const { createClient, createCluster } = driver as NodeRedis;
  const { tls, ...login } = partsOf(url);
  const socket = { reconnectStrategy: false, connectTimeout, ...(tls && { tls: true }) };
  if (isCluster) {
    const cluster = createCluster({ rootNodes: [{ url }], defaults: { ...login, socket } });
    cluster.on("error", () => {});
    await cluster.connect();
    return { client: cluster, isClusterNode: false, close: async () => cluster.destroy() };
  }
  const client = createClient({ url, socket });
  client.on("error", () => {});
  await client.connect();
  return { client, isClusterNode: isClusterInfo(await client.info("cluster")), close: async () => client.destroy() };
}

function isClusterInfo(info: unknown): boolean {
  return String(info).includes("cluster_enabled:1");
}
