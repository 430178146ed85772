import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createSessions, type Sessions, type Store } from "flagon";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { sqliteStore } from "flagon/sqlite";
import { Redis } from "ioredis";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeWith } from "../../../../../test/support/services/describe-with.ts";
import { startPostgres, startRedis } from "../../../../../test/support/services/index.ts";
import { AsyncBrowser, Clock, type Data, MINUTE, SECRET } from "../../browser.ts";
import { heard } from "../events.ts";

/* Engines as they are half of the time that something is wrong with them: they answer, and take no write, or hardly any. */

/** An engine, and what brings it into its state and back. */
interface Engine {
  readonly store: Store;
  /** Resolves how to let go of it. */
  hold(): Promise<() => Promise<unknown>>;
  stop(): Promise<unknown>;
}

type Start = () => Promise<Engine>;

async function redis(config: readonly [name: string, value: string, before: string]): Promise<Engine> {
  const server = await startRedis({ own: true });
  const client = new Redis(server.url);
  const [name, value, before] = config;
  return {
    store: redisStore(client),
    hold: async () => {
      await client.config("SET", name, value);
      return () => client.config("SET", name, before);
    },
    stop: async () => {
      client.disconnect();
      await server.stop();
    },
  };
}

const starts: Record<string, Start> = {
  "Redis that is full": () => redis(["maxmemory", "1", "0"]),
  "Redis without the replicas that it needs": () => redis(["min-replicas-to-write", "1", "0"]),
  "Redis that became a replica": async () => {
    const server = await startRedis({ own: true });
    const client = new Redis(server.url);
    return {
      store: redisStore(client),
      hold: async () => {
        await client.replicaof("127.0.0.1", 1);
        return () => client.replicaof("NO", "ONE");
      },
      stop: async () => {
        client.disconnect();
        await server.stop();
      },
    };
  },
};

const postgres: Start = async () => {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url });
  const set = async (value: "on" | "off"): Promise<void> => {
    await pool.query(`SET default_transaction_read_only = off`);
    await pool.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
    await pool.query("SELECT pg_reload_conf()");
    await pool.query("RESET default_transaction_read_only");
    for (;;) {
      const { rows } = await pool.query("SHOW default_transaction_read_only");
      if (rows[0].default_transaction_read_only === value) return;
    }
  };
  return {
    store: postgresStore(pool),
    hold: async () => {
      await set("on");
      return () => set("off");
    },
    stop: async () => {
      await pool.end();
      await server.stop();
    },
  };
};

/** Another process has the file, as a backup or a migration has it. */
const sqlite: Start = async () => {
  const folder = mkdtempSync(join(tmpdir(), "flagon-states-"));
  const path = join(folder, "sessions.sqlite");
  const store = sqliteStore(path, { busyTimeoutMs: 200 });
  const holding = `import { DatabaseSync } from "node:sqlite";
    const database = new DatabaseSync(${JSON.stringify(path)});
    database.exec("BEGIN IMMEDIATE");
    console.log("held");
    process.stdin.resume();`;
  return {
    store,
    hold: async () => {
      const child = spawn(process.execPath, ["--input-type=module", "--eval", holding], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      return async () => {
        child.kill("SIGKILL");
        await once(child, "exit");
      };
    },
    stop: async () => {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

let engine: Engine;
let clock: Clock;
let sessions: Sessions<Data>;
let browser: AsyncBrowser;
let letGo: (() => Promise<unknown>) | null = null;

async function begin(start: Start): Promise<void> {
  engine = await start();
  clock = new Clock();
  clock.time = Date.now();
  sessions = createSessions<Data>({ secret: SECRET, store: engine.store, now: clock.now });
  browser = new AsyncBrowser(sessions);
  await browser.visit((session) => session.login("u"));
  await browser.visit((session) => session.set("n", 1));
}

async function holdEngine(): Promise<void> {
  letGo = await engine.hold();
}

async function release(): Promise<void> {
  await letGo?.();
  letGo = null;
}

afterEach(async () => {
  await release();
  await engine.stop();
});

const all = {
  ...starts,
  "PostgreSQL that is read-only": postgres,
  "SQLite whose file another process writes to": sqlite,
};

for (const [title, start] of Object.entries(all)) {
  const described = title.startsWith("Redis")
    ? describeWith("redis")
    : title.startsWith("Post")
      ? describeWith("postgres")
      : describe;
  described(title, () => {
    beforeEach(() => begin(start));

    test("goes on being read, also when a renewal is due, and says so in an event", async () => {
      await holdEngine();
      clock.pass(10 * MINUTE);
      const events = await heard("flagon:error", async () => {
        expect(await browser.visit((session) => [session.userId, session.get("n")])).toEqual(["u", 1]);
        expect(browser.setCookies).toEqual([]);
      });
      const code = title.endsWith("full") ? "store_full" : "store_unavailable";
      expect(events).toMatchObject([{ id: expect.any(String), error: { code, status: 503 } }]);
      await expect(browser.visit((session) => session.set("n", 2))).rejects.toMatchObject({ code });
      await release();
      await browser.visit((session) => session.set("n", 3));
      expect(await browser.visit((session) => session.get("n"))).toBe(3);
    });
  });
}

/** The file may not grow any more. */
const fullSqlite: Start = async () => {
  const folder = mkdtempSync(join(tmpdir(), "flagon-states-"));
  const database = new DatabaseSync(join(folder, "sessions.sqlite"));
  const limit = (pages: number): unknown => database.prepare(`PRAGMA max_page_count = ${pages}`).get();
  return {
    store: sqliteStore(database),
    hold: async () => {
      limit(1);
      return async () => limit(1_000_000);
    },
    stop: async () => {
      database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

function endsWhenFull(start: Start): void {
  beforeEach(() => begin(start));

  test("ends sessions all the same: by signing out, by revoking, and all of a user's", async () => {
    const [phone, tablet] = [new AsyncBrowser(sessions), new AsyncBrowser(sessions)];
    for (const each of [phone, tablet]) await each.visit((session) => session.login("u"));
    await holdEngine();
    const big = "x".repeat(100_000);
    await expect(phone.visit((session) => session.set("big", big))).rejects.toMatchObject({ code: "store_full" });
    await browser.visit((session) => session.logout());
    expect(await browser.isKnown()).toBe(false);
    expect(await sessions.revoke((await phone.open()).id)).toBe(true);
    expect(await phone.isKnown()).toBe(false);
    await sessions.revokeUser("u");
    expect(await tablet.isKnown()).toBe(false);
  });
}

describeWith("redis")("Redis that is full", () => endsWhenFull(starts["Redis that is full"] as Start));
describe("SQLite that is full", () => endsWhenFull(fullSqlite));

describe("SQLite whose file another process writes to", () => {
  beforeEach(() => begin(sqlite));

  test("holds nobody else up while a write waits for it", async () => {
    await holdEngine();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const longest = { ms: 0, last: performance.now() };
    const watch = setInterval(() => {
      longest.ms = Math.max(longest.ms, performance.now() - longest.last);
      longest.last = performance.now();
    }, 1);
    await expect(browser.visit((session) => session.set("n", 2))).rejects.toMatchObject({ code: "store_unavailable" });
    clearInterval(timer);
    clearInterval(watch);
    expect(ticks).toBeGreaterThan(5);
    expect(longest.ms).toBeLessThan(100);
  });

  test("lets the write through when it is done", async () => {
    await holdEngine();
    const written = browser.visit((session) => session.set("n", 2));
    setTimeout(() => void release(), 50);
    await written;
    expect(await browser.visit((session) => session.get("n"))).toBe(2);
  });
});
