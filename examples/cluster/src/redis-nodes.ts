import { createClient } from "redis";
import { services } from "../../../test/support/services/find.ts";
import { type RedisCluster, type Server, startRedisCluster } from "../../../test/support/services/index.ts";
import type { NodeState } from "./state.ts";

/** Six Redis processes of this machine, on free ports of 127.0.0.1, with their data in temporary folders. */
export async function startNodes(): Promise<RedisCluster> {
  if (services.redis.find() === null) {
    throw new Error(
      "This needs redis-server or valkey-server on the PATH: apt-get install redis-server, or brew install redis.",
    );
  }
  // On disk before it is acknowledged: a master that comes back before anybody missed it must not come back empty.
  return await startRedisCluster({ persistent: true });
}

/** How each node is, by its own account. */
export async function lookAt(nodes: readonly Server[]): Promise<NodeState[]> {
  const numberOf = (port: number) => nodes.findIndex((node) => node.port === port) + 1;
  return await Promise.all(
    nodes.map(async ({ url, port }, index) => {
      const nothing = { number: index + 1, port, slots: [], of: null, epoch: 0 };
      try {
        const { isMaster, epoch, slots, masterPort } = readNodes(await ask(url, "CLUSTER", "NODES"));
        if (isMaster) return { ...nothing, role: "master", epoch, slots };
        return { ...nothing, role: "replica", epoch, of: masterPort === null ? null : numberOf(masterPort) };
      } catch {
        return { ...nothing, role: "lost" };
      }
    }),
  );
}

/** What CLUSTER NODES says of the node that was asked: id, address, flags, master's id, ping, pong, epoch, link, slots. */
function readNodes(text: string) {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  const [, , flags = "", master = "", , , epoch = "0", , ...slots] =
    lines.find(([, , flags]) => flags?.split(",").includes("myself")) ?? [];
  const [, masterAddress] = lines.find(([id]) => id === master) ?? [];
  return {
    isMaster: flags.split(",").includes("master"),
    epoch: Number(epoch),
    // In brackets are slots that are being moved; nobody moves any here.
    slots: slots.filter((range) => !range.startsWith("[")).map(readRange),
    masterPort: masterAddress === undefined ? null : Number(/:(\d+)/.exec(masterAddress)?.[1]),
  };
}

function readRange(range: string): [from: number, to: number] {
  const [from, to = from] = range.split("-").map(Number);
  return [from ?? 0, to ?? 0];
}

async function ask(url: string, ...command: string[]): Promise<string> {
  const client = createClient({
    url,
    commandOptions: { timeout: 1_000 },
    socket: { connectTimeout: 1_000, reconnectStrategy: false },
  });
  client.on("error", () => {});
  try {
    await client.connect();
    return String(await client.sendCommand(command));
  } finally {
    if (client.isOpen) client.destroy();
  }
}
