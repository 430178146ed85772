import { Buffer } from "node:buffer";

/** A command's parts: its name, then keys and arguments. */
export type RedisPart = string | Buffer;

/** The commands that a store sends, each about one key; `ZRANGE` is of all there is. */
export type RedisCommand = "GET" | "DEL" | "EVAL" | "EVALSHA" | "ZRANGE" | "ZREM";

/** ioredis and iovalkey, single, Sentinel or Cluster. Their `callBuffer` would do, but not with automatic pipelining. */
export interface IoRedisClient {
  getBuffer(key: string): Promise<unknown>;
  del(key: string): Promise<unknown>;
  eval(script: RedisPart, keys: number, ...parts: RedisPart[]): Promise<unknown>;
  evalsha(sha: RedisPart, keys: number, ...parts: RedisPart[]): Promise<unknown>;
  zrange(key: string, from: string, to: string): Promise<unknown>;
  zrem(key: string, ...members: RedisPart[]): Promise<unknown>;
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
 * Sends one command about one key; for `EVAL` and `EVALSHA` the script, or its digest, comes first of the parts. `GET`
 * gives a `Buffer`, whatever the client was told, since sealed bytes are no text; all other replies are text, or integers
 * as numbers.
 */
export type Send = (command: RedisCommand, key: string, ...parts: RedisPart[]) => Promise<unknown>;

/**
 * The clients as one. Only masters are asked, never a replica: a replica is behind, so that a session which was ended
 * would still open there.
 *
 * Throws a `TypeError` for anything that is no client, for one of node-redis before version 5 or in its legacy mode, and for one of
 * ioredis that reads from replicas or gives numbers as text.
 */
export function senderOf(client: RedisClient): Send {
  if (isIoRedis(client)) {
    checkIoRedis(client);
    return (command, key, ...parts) => sendByMethod(client, command, key, parts);
  }
  if (isNodeRedis(client)) {
    if (isCluster(client)) {
      return (command, key, ...parts) => client.sendCommand(key, false, onTheWire(command, key, parts), plainReplies);
    }
    if (isSentinel(client)) {
      return (command, key, ...parts) => client.sendCommand(false, onTheWire(command, key, parts), plainReplies);
    }
    return (command, key, ...parts) => client.sendCommand(onTheWire(command, key, parts), plainReplies);
  }
  if (isObject(client) && "sendCommand" in client) {
    throw new TypeError(
      "redisStore: this client of redis (node-redis) is older than version 5, or in legacy mode: pass what createClient of version 5 or later returns",
    );
  }
  throw new TypeError("redisStore: pass a client of redis (node-redis), ioredis or iovalkey, single or Cluster");
}

function sendByMethod(client: IoRedisClient, command: RedisCommand, key: string, parts: RedisPart[]): Promise<unknown> {
  const [script = "", ...rest] = parts;
  switch (command) {
    case "GET":
      return client.getBuffer(key);
    case "DEL":
      return client.del(key);
    case "EVAL":
      return client.eval(script, 1, key, ...rest);
    case "EVALSHA":
      return client.evalsha(script, 1, key, ...rest);
    case "ZRANGE":
      return client.zrange(key, "0", "-1");
    case "ZREM":
      return client.zrem(key, ...parts);
  }
}

function onTheWire(command: RedisCommand, key: string, parts: RedisPart[]): RedisPart[] {
  const [script = "", ...rest] = parts;
  if (command === "EVAL" || command === "EVALSHA") return [command, script, "1", key, ...rest];
  return command === "ZRANGE" ? [command, key, "0", "-1"] : [command, key, ...parts];
}

/** node-redis maps replies by RESP's type marks: `$` a bulk string, `+` a simple one, `:` an integer. */
const plainReplies: NodeRedisOptions = { typeMapping: { 36: Buffer, 43: String, 58: Number } };

function isIoRedis(client: unknown): client is IoRedisClient {
  return isObject(client) && "getBuffer" in client && typeof client.getBuffer === "function";
}

interface IoRedisOptions {
  readonly scaleReads?: unknown;
  readonly role?: unknown;
  readonly stringNumbers?: unknown;
  readonly redisOptions?: IoRedisOptions;
}

function checkIoRedis(client: object & { readonly options?: IoRedisOptions }): void {
  const { scaleReads = "master", role, stringNumbers, redisOptions } = client.options ?? {};
  if (("isCluster" in client && client.isCluster === true && scaleReads !== "master") || role === "slave") {
    throw new TypeError(
      'redisStore: this client reads from replicas, where an ended session lives on for a moment; pass one with role: "master", of a Cluster with scaleReads: "master"',
    );
  }
  if (stringNumbers === true || redisOptions?.stringNumbers === true) {
    throw new TypeError("redisStore: this client gives numbers as text; pass one without stringNumbers");
  }
}

function isNodeRedis(client: unknown): client is NodeRedisClient | NodeRedisSentinel | NodeRedisCluster {
  if (!isObject(client) || !("sendCommand" in client)) return false;
  // What somebody has wrapped around a client needs to have no more than what is called here.
  return "withTypeMapping" in client || !("multi" in client);
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
