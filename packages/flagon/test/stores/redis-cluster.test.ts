import { redisStore } from "flagon/redis";
import { storeConformance } from "flagon/testing";
import { Cluster as IoRedisCluster } from "ioredis";
import { Cluster as IoValkeyCluster } from "iovalkey";
import { createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type RedisCluster, startRedisCluster } from "../../../../test/support/services/index.ts";
import type { RedisClient } from "../../src/stores/redis.ts";

interface Connection {
  readonly client: RedisClient;
  close(): unknown;
}

const clients: Record<string, (cluster: RedisCluster) => Promise<Connection>> = {
  "redis (node-redis)": async ({ urls }) => {
    const client = await createCluster({ rootNodes: urls.map((url) => ({ url })) }).connect();
    return { client, close: () => client.destroy() };
  },
  "redis (node-redis), told to read from replicas": async ({ urls }) => {
    const client = await createCluster({ rootNodes: urls.map((url) => ({ url })), useReplicas: true }).connect();
    return { client, close: () => client.destroy() };
  },
  ioredis: async ({ nodes }) => {
    const client = new IoRedisCluster(nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
    return { client, close: () => client.disconnect() };
  },
  "ioredis, with automatic pipelining": async ({ nodes }) => {
    const startup = nodes.map(({ port }) => ({ host: "127.0.0.1", port }));
    const client = new IoRedisCluster(startup, { enableAutoPipelining: true });
    return { client, close: () => client.disconnect() };
  },
  iovalkey: async ({ nodes }) => {
    const client = new IoValkeyCluster(nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
    return { client, close: () => client.disconnect() };
  },
};

describeWith("redis")("redisStore on a Cluster of six nodes", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster.stop());

  describe.each(Object.entries(clients))("keeps the contract of a store through %s", (_name, connect) => {
    let first: Connection;
    let second: Connection;
    beforeAll(async () => {
      first = await connect(cluster);
      second = await connect(cluster);
    });
    afterAll(async () => {
      await first.close();
      await second.close();
    });

    const cases = storeConformance((conditions) => redisStore(first.client, conditions), {
      expiresByItself: true,
      makePeer: (_store, conditions) => redisStore(second.client, conditions),
    });
    for (const { name, run } of cases) test(name, run);
  });

  test("refuses an ioredis Cluster that reads from replicas, where an ended session lives on", () => {
    const client = new IoRedisCluster([{ host: "127.0.0.1", port: 1 }], { scaleReads: "slave", lazyConnect: true });
    expect(() => redisStore(client)).toThrow(TypeError);
  });
});
