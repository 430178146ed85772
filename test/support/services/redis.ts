import { dockerProgram } from "./docker.ts";
import { provide } from "./provide.ts";
import { dataFolder, foreignServer, freePort, type Server, startServer } from "./server.ts";

export interface RedisOptions {
  /** Started here even when the environment names one, for tests that kill it. */
  readonly own?: boolean;
  /** Each write is on disk before it is acknowledged (appendfsync always); else nothing outlives a `restart`. */
  readonly persistent?: boolean;
  /** Further arguments for redis-server. */
  readonly args?: readonly string[];
}

/** A Redis of the test's own, empty. `FLAGON_TEST_REDIS_URL` names another one to use. */
export async function startRedis({ own = false, persistent = false, args = [] }: RedisOptions = {}): Promise<Server> {
  const place = await provide("redis");
  if (place.kind === "environment" && !own) return foreignServer(place.value);

  const port = await freePort();
  const folder = dataFolder("redis");
  const url = `redis://127.0.0.1:${port}`;
  const keep = persistent ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"];
  const settings = ["--save", "", ...keep, ...args];
  const common = { stopSignals: ["SIGTERM"], ready: /Ready to accept connections/i } as const;
  if (place.kind === "docker") {
    const program = dockerProgram("redis:7", port, ["redis-server", "--port", String(port), ...settings]);
    return await startServer({ ...program, ...common }, { url, port, folder });
  }
  const command = place.kind === "program" ? place.path : "redis-server";
  const where = ["--bind", "127.0.0.1", "--port", String(port), "--dir", folder];
  return await startServer({ command, args: [...where, ...settings], ...common }, { url, port, folder });
}
