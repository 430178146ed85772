import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis } from "./redis.ts";
import { freePort, type Server } from "./server.ts";

export interface RedisCluster extends AsyncDisposable {
  /** Six: three masters, then a replica of each, in the same order. A failover changes who is what. */
  readonly nodes: readonly Server[];
  readonly urls: readonly string[];
  /** The node that owns the key's slot now, as the nodes that answer see it. */
  masterOf(key: string): Promise<Server>;
  /** The same for many keys, as one node sees them all at one moment. */
  mastersOf(keys: readonly string[]): Promise<readonly Server[]>;
  /** Resolves when every slot has a master and each node that lives agrees. */
  untilHealthy(): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const MASTERS = 3;
const HEALTHY_TIMEOUT_MS = 30_000;

/** A Redis Cluster of six nodes on 127.0.0.1, empty. A master that dies is replaced within about two seconds. */
export async function startRedisCluster(options: { persistent?: boolean } = {}): Promise<RedisCluster> {
  const busPorts: number[] = [];
  const nodes: Server[] = [];
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const untilHealthy = () => eventually(() => isHealthy(nodes));
  try {
    for (let index = 0; index < 2 * MASTERS; index++) {
      const { node, busPort } = await startNode(options);
      nodes.push(node);
      busPorts.push(busPort);
    }
    await join(nodes, busPorts);
    await untilHealthy();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes,
    urls: nodes.map(({ url }) => url),
    masterOf: async (key) => (await mastersOf(nodes, [key]))[0] as Server,
    mastersOf: (keys) => mastersOf(nodes, keys),
    untilHealthy,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The bus has a port of its own, which somebody else may have taken since it was free: then with another one. */
async function startNode(options: object, tries = 3): Promise<{ readonly node: Server; readonly busPort: number }> {
  const busPort = await freePort();
  const cluster = ["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--cluster-node-timeout", "1000"];
  // A replica stands for election for as long as it takes: the time that it would do so is counted in node timeouts, of which
  // a busy machine lets many go by.
  const here = ["--cluster-announce-ip", "127.0.0.1", "--cluster-replica-validity-factor", "0"];
  const args = [...cluster, ...here, "--repl-diskless-sync-delay", "0"];
  try {
    return { node: await startRedis({ own: true, ...options, args }), busPort };
  } catch (error) {
    if (tries === 1) throw error;
    return startNode(options, tries - 1);
  }
}

/** What `redis-cli --cluster create` does, which needs seconds of waiting for it. */
async function join(nodes: readonly Server[], busPorts: readonly number[]): Promise<void> {
  const ids = await Promise.all(nodes.map((node) => ask(node, "CLUSTER", "MYID")));
  for (const [index, node] of nodes.entries()) {
    await ask(node, "CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    const [from, to] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / MASTERS));
    if (index < MASTERS) await ask(node, "CLUSTER", "ADDSLOTSRANGE", from ?? 0, (to ?? SLOTS) - 1);
    else await ask(node, "CLUSTER", "MEET", "127.0.0.1", nodes[0]?.port ?? 0, busPorts[0] ?? 0);
  }
  for (const node of nodes.slice(1, MASTERS)) {
    await ask(node, "CLUSTER", "MEET", "127.0.0.1", nodes[0]?.port ?? 0, busPorts[0] ?? 0);
  }
  for (const [index, node] of nodes.entries()) {
    const master = ids[index - MASTERS];
    if (typeof master === "string") {
      await eventually(async () => (await ask(node, "CLUSTER", "REPLICATE", master).catch(() => null)) === "OK");
    }
  }
}

async function isHealthy(nodes: readonly Server[]): Promise<boolean> {
  const answers = await Promise.all(nodes.map((node) => describe(node)));
  const living = answers.filter((answer) => answer !== null);
  return living.length > 0 && living.every(({ isOk }) => isOk);
}

/** Null for a node that does not answer. */
async function describe(node: Server): Promise<{ isOk: boolean } | null> {
  try {
    const [info, list, replication] = await Promise.all([
      ask(node, "CLUSTER", "INFO"),
      ask(node, "CLUSTER", "NODES"),
      ask(node, "INFO", "replication"),
    ]);
    const lines = String(list).trim().split("\n");
    const isSettled = lines.length === 2 * MASTERS && !lines.some((line) => / handshake|[, ]fail\? /.test(line));
    const isInStep = !/role:slave/.test(String(replication)) || /master_link_status:up/.test(String(replication));
    return { isOk: /cluster_state:ok/.test(String(info)) && isSettled && isInStep };
  } catch {
    return null;
  }
}

async function mastersOf(nodes: readonly Server[], keys: readonly string[]): Promise<Server[]> {
  for (const node of nodes) {
    const questions: Command[] = [["CLUSTER", "SLOTS"], ...keys.map((key): Command => ["CLUSTER", "KEYSLOT", key])];
    const [ranges, ...slots] = await askAll(node, questions).catch(() => []);
    const masters = slots.map((slot) => {
      const owns = ([from, to]: Range): boolean => from <= Number(slot) && Number(slot) <= to;
      const range = (ranges as Range[]).find(owns);
      return nodes.find(({ port }) => port === range?.[2][1]);
    });
    const known = masters.filter((master) => master !== undefined);
    if (known.length === keys.length) return known;
  }
  throw new Error(`no node knows who owns the keys ${keys}`);
}

/** Of CLUSTER SLOTS: the first and the last of a range, and its master. */
type Range = [from: number, to: number, master: [host: string, port: number, id: string]];
type Command = [command: string, ...args: (string | number)[]];

async function ask(node: Server, ...command: Command): Promise<unknown> {
  return (await askAll(node, [command]))[0];
}

async function askAll(node: Server, commands: readonly Command[]): Promise<unknown[]> {
  const redis = new Redis(node.port, "127.0.0.1", {
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: 1_000,
    enableReadyCheck: false,
    retryStrategy: null,
  });
  // Whoever asked hears of it: the command rejects.
  redis.on("error", () => {});
  try {
    await redis.connect();
    return await Promise.all(commands.map((command) => redis.call(...command)));
  } finally {
    redis.disconnect();
  }
}

async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + HEALTHY_TIMEOUT_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error("the Redis Cluster did not become healthy");
    await sleep(50);
  }
}
