import type { RedisClient } from "flagon/redis";
import { createCluster } from "redis";

export function openCluster(urls: readonly string[]) {
  const cluster = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    // While a node is lost, ask the others every half second who took its place.
    topologyRefreshOnReconnectionAttemptStrategy: 500,
    // What can't be sent now fails now. A WAIT that was kept for a later connection would speak of nothing.
    defaults: { disableOfflineQueue: true },
  });
  // A node was lost; the cluster finds out who took its place.
  cluster.on("error", (error) => console.error(`Redis: ${error.message}`));
  return cluster;
}

/** For `redisStore`: a write that no replica has within 100 ms fails, and the request is answered with 503. */
export function withReplica(cluster: ReturnType<typeof openCluster>): RedisClient {
  return {
    getSlotMaster: (slot) => cluster.getSlotMaster(slot),
    async sendCommand(key, readonly, parts, options) {
      if (parts[0] === "GET" || parts[0] === "ZRANGE") return cluster.sendCommand(key, readonly, parts, options);
      const node = await cluster.getNodeClientForKey(key);
      // One behind the other on one connection: WAIT speaks of what was written there, and of nothing else.
      const both = [node.sendCommand(parts, options), node.sendCommand(["WAIT", "1", "100"])];
      const [reply, replicas] = await Promise.all(both);
      if (!replicas) throw new Error("no replica has the write");
      return reply;
    },
  };
}
