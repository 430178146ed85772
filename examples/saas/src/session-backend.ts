import type { DatabaseSync } from "node:sqlite";
import { createSessions, type Sessions, type Store } from "flagon";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { sqliteStore } from "flagon/sqlite";
import type { Config } from "./config.ts";
import { ConfigError } from "./config-error.ts";

/** Where this app's sessions live. Nothing but the devices' page asks which it is. */
export interface SessionBackend {
  readonly sessions: Sessions;
  /** As the pages name it. */
  readonly place: string;
  /** Whether a user's sessions can be listed. Sealed cookies can't: only the browsers have them. */
  readonly lists: boolean;
}

const pruneEveryMs = 60 * 60 * 1_000;

/** By `SESSIONS`: "sqlite", "cookie", or the address of a Redis or a PostgreSQL. */
export async function openSessionBackend(
  config: Config,
  database: DatabaseSync,
  now: () => number = Date.now,
): Promise<SessionBackend> {
  const options = {
    secret: [...config.secret],
    lifetime: config.lifetime,
    permanentLifetime: config.permanentLifetime,
    now,
  };
  const local = sqliteStore(database, { now });
  await local.setup();
  if (config.sessions === "cookie") {
    // The file knows only which sessions were ended early, so that a new password still signs other devices out. Asked
    // at each request: it is on this machine, and no network away.
    const revocations = { store: local, staleness: 0 } as const;
    return pruned({
      sessions: createSessions({ ...options, revocations }),
      place: "This cookie, sealed",
      lists: false,
    });
  }
  const { store, place } = config.sessions === "sqlite" ? { store: local, place: "SQLite" } : await remote(config, now);
  return pruned({ sessions: createSessions({ ...options, store }), place: `${place}, on the server`, lists: true });
}

async function remote({ sessions: url }: Config, now: () => number): Promise<{ store: Store; place: string }> {
  switch (/^(\w+):\/\//.exec(url)?.[1]) {
    case "redis":
    case "rediss":
      return { store: redisStore(await connectRedis(url), { now }), place: "Redis" };
    case "postgres":
    case "postgresql": {
      const store = postgresStore(await connectPostgres(url), { now });
      await store.setup().catch((error: Error) => {
        throw new ConfigError(`SESSIONS names a PostgreSQL that can't be used: ${error.message}`);
      });
      return { store, place: "PostgreSQL" };
    }
    default:
      throw new ConfigError("SESSIONS is none of these: sqlite, cookie, redis://…, postgres://…");
  }
}

// Imported only where they are used: an app has one of them, and this one mostly none.

async function connectRedis(url: string) {
  const { createClient } = await import("redis");
  let wasConnected = false;
  const client = createClient({
    url,
    // A Redis that goes away is waited for, and meanwhile whoever looks at a session is answered with a 503, at once. One
    // that never was there is a slip in the address.
    disableOfflineQueue: true,
    socket: { reconnectStrategy: (tries, cause) => (wasConnected ? Math.min(2_000, 50 * 2 ** tries) : cause) },
  });
  client.on("error", (error: Error) => wasConnected && console.error(`Redis: ${error.message}`));
  await client.connect().catch((error: Error) => {
    throw new ConfigError(`SESSIONS names a Redis that can't be reached: ${error.message}`);
  });
  wasConnected = true;
  return client;
}

async function connectPostgres(url: string) {
  const { Pool } = (await import("pg")).default;
  const pool = new Pool({ connectionString: url });
  pool.on("error", (error) => console.error(`PostgreSQL: ${error.message}`));
  return pool;
}

/** Rows that have expired are removed once an hour, without keeping the process alive for it. */
function pruned(backend: SessionBackend): SessionBackend {
  const prune = (): void => {
    backend.sessions.prune().catch((error: Error) => console.error(`Pruning sessions: ${error.message}`));
  };
  setInterval(prune, pruneEveryMs).unref();
  return backend;
}
