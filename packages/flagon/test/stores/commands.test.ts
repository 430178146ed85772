import { DatabaseSync } from "node:sqlite";
import { createSessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { type PostgresClient, postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { type SqliteStatement, sqliteStore } from "flagon/sqlite";
import pg from "pg";
import { createClient, createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Server, startPostgres, startRedis, startRedisCluster } from "../../../../test/support/services/index.ts";
import type { NodeRedisClient, NodeRedisCluster } from "../../src/stores/redis/client.ts";
import { AsyncBrowser, Clock, type Data, SECRET } from "../browser.ts";

/*
 * How many commands a request costs, at the store and on the way to each engine. docs/stores.md has the same as the engines count
 * it, beside express-session: bench/stores/commands.ts.
 */

/** What happens before, uncounted; and then what is counted. */
interface Request {
  readonly title: string;
  readonly before?: (visitor: AsyncBrowser) => unknown;
  readonly act: (visitor: AsyncBrowser) => unknown;
  /** As the store is asked, one command of an SQL engine for each. */
  readonly store: readonly string[];
  /** Where these are more: a user's sessions are in an index of its own. */
  readonly redis?: number;
}

const begin = (visitor: AsyncBrowser): Promise<void> => visitor.visit((session) => void session.set("n", 1));
const signIn = (visitor: AsyncBrowser, userId = "u"): Promise<void> =>
  visitor.visit((session) => session.login(userId));
const beginAndSignIn = async (visitor: AsyncBrowser): Promise<void> => {
  await begin(visitor);
  await signIn(visitor);
};

const requests: readonly Request[] = [
  { title: "no cookie, session read", act: (visitor) => visitor.visit((session) => session.get("n")), store: [] },
  {
    title: "a forged cookie",
    before: async (visitor) => {
      await begin(visitor);
      for (const [name, value] of visitor.cookies) visitor.cookies.set(name, value.replace(/[\w-]{8}/, "AgAAAAAA"));
    },
    act: (visitor) => visitor.visit((session) => session.get("n")),
    store: [],
  },
  { title: "no cookie, something stored", act: begin, store: ["create"] },
  {
    title: "cookie, session read",
    before: beginAndSignIn,
    act: (visitor) => visitor.visit((session) => session.get("n")),
    store: ["read"],
  },
  {
    title: "cookie, something changed",
    before: begin,
    act: (visitor) => visitor.visit((session) => session.set("n", 2)),
    store: ["read", "replace"],
  },
  {
    title: "something changed, right after the sign-in",
    before: beginAndSignIn,
    act: (visitor) => visitor.visit((session) => session.set("n", 2)),
    store: ["read", "replace"],
  },
  { title: "sign-in, no cookie before", act: (visitor) => signIn(visitor), store: ["create", "read"], redis: 3 },
  {
    title: "sign-in, with a cookie",
    before: begin,
    act: (visitor) => signIn(visitor),
    store: ["read", "replace", "read"],
    redis: 4,
  },
  {
    title: "the same user once more",
    before: beginAndSignIn,
    act: (visitor) => signIn(visitor),
    store: ["read", "replace", "read"],
  },
  {
    title: "another user, over somebody's session",
    before: beginAndSignIn,
    act: (visitor) => signIn(visitor, "v"),
    store: ["read", "replace", "create", "read"],
    redis: 5,
  },
  {
    title: "rotate",
    before: beginAndSignIn,
    act: (visitor) => visitor.visit((session) => session.rotate()),
    store: ["read", "replace"],
  },
  {
    title: "logout",
    before: beginAndSignIn,
    act: (visitor) => visitor.visit((session) => session.logout()),
    store: ["read", "replace"],
  },
  {
    title: "two requests at once, each changing a key of its own",
    before: begin,
    act: async (visitor) => {
      const both = [await visitor.open(), await visitor.open()];
      for (const [n, session] of both.entries()) session.set(`key${n}`, n);
      await Promise.all(both.map((session) => visitor.sessions.commit(session)));
    },
    store: ["read", "read", "replace", "replace", "read", "replace"],
  },
  {
    title: "revokeUser of a user with three sessions",
    before: async ({ sessions }) => {
      for (let n = 0; n < 3; n++) await signIn(new AsyncBrowser(sessions));
    },
    act: ({ sessions }) => sessions.revokeUser("u"),
    store: ["read", "create", "list", "replace", "replace", "replace"],
    // Of the list the index, and then each session in it.
    redis: 9,
  },
];

/**
 * Does each request in an empty store, after once that loads scripts and prepares statements; gives what was counted meanwhile.
 */
async function counted(makeStore: (now: () => number) => Store | Promise<Store>, log: Log): Promise<string[][]> {
  const all: string[][] = [];
  for (const { before, act } of [...requests, ...requests]) {
    const clock = new Clock();
    const store = await makeStore(clock.now);
    const visitor = new AsyncBrowser(createSessions<Data>({ secret: SECRET, store, now: clock.now }));
    await before?.(visitor);
    clock.pass(1_000);
    log.taken();
    await act(visitor);
    all.push(log.taken());
  }
  return all.slice(requests.length);
}

/** What is written down as it goes by. */
class Log {
  #entries: string[] = [];

  note(entry: unknown): void {
    this.#entries.push(String(entry));
  }

  taken(): string[] {
    const taken = this.#entries;
    this.#entries = [];
    return taken;
  }
}

const titled = (counts: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(requests.map(({ title }, n) => [title, counts[n]]));
const lengths = (commands: readonly string[][]): Record<string, unknown> =>
  titled(commands.map(({ length }) => length));

const inSql = titled(requests.map(({ store }) => store.length));
const inRedis = titled(requests.map(({ store, redis = store.length }) => redis));

describe("a request costs so many commands", () => {
  test("of the store, by method", async () => {
    const log = new Log();
    const noted = (now: () => number): Store => {
      return new Proxy(memoryStore({ now }), {
        get(store, method) {
          log.note(method);
          return Reflect.get(store, method);
        },
      });
    };
    const commands = await counted(noted, log);
    expect(titled(commands)).toEqual(titled(requests.map(({ store }) => store)));
  });

  test("of SQLite, by statement", async () => {
    const log = new Log();
    const noted = (statement: SqliteStatement, sql: string): SqliteStatement => {
      const note = (): SqliteStatement => {
        log.note(sql);
        return statement;
      };
      return {
        get: (...values) => note().get(...values),
        all: (...values) => note().all(...values),
        run: (...values) => note().run(...values),
      };
    };
    const makeStore = async (now: () => number): Promise<Store> => {
      const database = new DatabaseSync(":memory:");
      const watched = {
        exec: (sql: string) => database.exec(sql),
        prepare: (sql: string) => noted(database.prepare(sql), sql),
      };
      const store = sqliteStore(watched, { now });
      // The first use sets the table up.
      await store.read("none");
      return store;
    };
    expect(lengths(await counted(makeStore, log))).toEqual(inSql);
  });
});

describeWith("postgres")("a request costs so many commands of PostgreSQL", () => {
  let server: Server;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ connectionString: server.url });
  });
  afterAll(async () => {
    await pool.end();
    await server.stop();
  });

  test("by statement", async () => {
    const log = new Log();
    const query = (asked: string): Promise<pg.QueryResult> => {
      log.note(asked);
      return pool.query(asked);
    };
    let tables = 0;
    const makeStore = async (now: () => number): Promise<Store> => {
      const store = postgresStore({ query } as PostgresClient, { table: `commands_${++tables}`, now });
      await store.setup();
      return store;
    };
    expect(lengths(await counted(makeStore, log))).toEqual(inSql);
  });
});

describeWith("redis")("a request costs so many commands", () => {
  const log = new Log();
  let prefixes = 0;
  const prefix = (): string => `commands ${++prefixes}:`;

  test("of one Redis", async () => {
    const server = await startRedis();
    const client = await createClient({ url: server.url }).connect();
    const watched: NodeRedisClient = {
      sendCommand(parts, options) {
        log.note(parts[0]);
        return client.sendCommand(parts, options);
      },
    };
    try {
      const commands = await counted((now) => redisStore(watched, { prefix: prefix(), now }), log);
      expect(lengths(commands)).toEqual(inRedis);
    } finally {
      client.destroy();
      await server.stop();
    }
  });

  test("of a Redis Cluster, each about one key", async () => {
    const nodes = await startRedisCluster();
    const cluster = await createCluster({ rootNodes: nodes.urls.map((url) => ({ url })) }).connect();
    const watched: NodeRedisCluster = {
      getSlotMaster: (slot) => cluster.getSlotMaster(slot),
      sendCommand(key, readonly, parts, options) {
        // What comes again because this node did not have the script yet is no command of the request's.
        if (parts[0] !== "EVAL") log.note(parts[0]);
        return cluster.sendCommand(key, readonly, parts, options);
      },
    };
    try {
      const commands = await counted((now) => redisStore(watched, { prefix: prefix(), now }), log);
      expect(lengths(commands)).toEqual(inRedis);
    } finally {
      cluster.destroy();
      await nodes.stop();
    }
  });
});
