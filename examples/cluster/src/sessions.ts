import { createSessions, type Sessions } from "flagon";
import { redisStore } from "flagon/redis";
import { createCluster } from "redis";
import { waitForReplica } from "./wait-for-replica.ts";

declare module "flagon" {
  interface Register {
    session: { count: number };
  }
}

/** Sessions in the Redis Cluster: all that an app has to write down for forty instances instead of one. */
export async function openSessions(ports: readonly number[], secret: string): Promise<Sessions> {
  const client = createCluster({
    rootNodes: ports.map((port) => ({ url: `redis://127.0.0.1:${port}` })),
    // While a node is lost, ask the others every half second who took its place. Left out, it is every five.
    topologyRefreshOnReconnectionAttemptStrategy: 500,
    defaults: {
      // What cannot be sent now is answered with a 503 now, rather than piled up for a node that may never return.
      disableOfflineQueue: true,
      socket: { connectTimeout: 1_000, reconnectStrategy: (tries) => Math.min(1_000, 50 * 2 ** tries) },
    },
  });
  // A lost node is no reason to stop: whoever looks at a session that lived there hears of it, and nobody else.
  client.on("error", () => {});
  await client.connect();
  return createSessions({
    secret,
    store: waitForReplica(redisStore(client), client),
    // This demonstration speaks plain http on this machine, and Safari keeps no Secure cookie there. Behind a balancer that
    // speaks https, leave `cookie` out.
    cookie: { name: "cluster", secure: false },
  });
}
