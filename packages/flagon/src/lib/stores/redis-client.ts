import { Buffer } from "node:buffer";

/** A command's parts: its name, then keys and arguments. */
export type RedisPart = string | Buffer;

/** ioredis and iovalkey, single, Sentinel or Cluster. */
export interface IoRedisClient {
  callBuffer(command: string, ...parts: RedisPart[]): Promise<unknown>;
}

/** node-redis: a client or a pool of them. */
export interface NodeRedisClient {
  sendCommand(parts: RedisPart[], options?: NodeRedisOptions): Promise<unknown>;
}

/** node-redis, Sentinel. */
export interface NodeRedisSentinel {
  getSentinelNode(): unknown;
  sendCommand(readonly: boolean, parts: RedisPart[], options?: NodeRedisOptions): Promise<unknown>;
}

/** node-redis, Cluster. */
export interface NodeRedisCluster {
  getSlotMaster(slot: number): unknown;
  sendCommand(key: string, readonly: boolean, parts: RedisPart[], options?: NodeRedisOptions): Promise<unknown>;
}

export type RedisClient = IoRedisClient | NodeRedisClient | NodeRedisSentinel | NodeRedisCluster;

interface NodeRedisOptions {
  typeMapping: Record<number, BufferConstructor | StringConstructor | NumberConstructor>;
}

/**
 * Sends one command about one key. Bulk replies are `Buffer`s and integers are numbers, whatever the client was told:
 * sealed bytes are no text.
 */
export type Send = (key: string, command: string, ...parts: RedisPart[]) => Promise<unknown>;

/**
 * The clients as one. Only masters are asked, never a replica: a replica is behind, so that a session which was ended would still
 * open there.
 *
 * Throws a `TypeError` for anything that is no client, and for an ioredis Cluster that reads from replicas.
 */
export function senderOf(client: RedisClient): Send {
  if (isIoRedis(client)) {
    if (readsFromReplicas(client)) {
      throw new TypeError(
        'redisStore: this Cluster client reads from replicas, where an ended session lives on for a moment; pass one with scaleReads: "master"',
      );
    }
    return (_key, command, ...parts) => client.callBuffer(command, ...parts);
  }
  if (isNodeRedis(client)) {
    if (isCluster(client)) return (key, ...parts) => client.sendCommand(key, false, parts, plainReplies);
    if (isSentinel(client)) return (_key, ...parts) => client.sendCommand(false, parts, plainReplies);
    return (_key, ...parts) => client.sendCommand(parts, plainReplies);
  }
  throw new TypeError("redisStore: pass a client of redis (node-redis), ioredis or iovalkey, single or Cluster");
}

/** node-redis maps replies by RESP's type marks: `$` a bulk string, `+` a simple one, `:` an integer. */
const plainReplies: NodeRedisOptions = { typeMapping: { 36: Buffer, 43: String, 58: Number } };

function isIoRedis(client: unknown): client is IoRedisClient {
  return isObject(client) && "callBuffer" in client && typeof client.callBuffer === "function";
}

function readsFromReplicas(client: object): boolean {
  if (!("isCluster" in client) || client.isCluster !== true) return false;
  const options = "options" in client ? client.options : undefined;
  return isObject(options) && "scaleReads" in options && options.scaleReads !== "master";
}

function isNodeRedis(client: unknown): client is NodeRedisClient | NodeRedisSentinel | NodeRedisCluster {
  return isObject(client) && "sendCommand" in client && typeof client.sendCommand === "function";
}

function isCluster(client: object): client is NodeRedisCluster {
  return "getSlotMaster" in client;
}

function isSentinel(client: object): client is NodeRedisSentinel {
  return "getSentinelNode" in client;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
