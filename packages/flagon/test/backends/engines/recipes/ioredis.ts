import type { RedisClient } from "flagon/redis";
import type { ChainableCommander, Cluster } from "ioredis";

/** The cluster for `redisStore`: a write that no replica has within 100 ms fails, and is answered with 503. */
export function withReplica(cluster: Cluster): RedisClient {
  // A pipeline goes to its key's node whole: WAIT speaks of what was written on its own connection, and of nothing else.
  const write = async (pipeline: ChainableCommander): Promise<unknown> => {
    const [written, waited] = (await pipeline.wait(1, 100).exec()) ?? [];
    const failure = written?.[0] ?? waited?.[0];
    if (failure) throw failure;
    if (!waited?.[1]) throw new Error("no replica has the write");
    return written?.[1];
  };
  return {
    getBuffer: (key) => cluster.getBuffer(key),
    zrange: (key, from, to) => cluster.zrange(key, from, to),
    zrem: (key, ...members) => write(cluster.pipeline().zrem(key, ...members)),
    del: (key) => write(cluster.pipeline().del(key)),
    eval: (script, keys, ...parts) => write(cluster.pipeline().eval(script, keys, ...parts)),
    evalsha: (sha, keys, ...parts) => write(cluster.pipeline().evalsha(sha, keys, ...parts)),
  };
}
