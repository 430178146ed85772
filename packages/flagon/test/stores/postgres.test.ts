import { PGlite } from "@electric-sql/pglite";
import { type PostgresClient, type PostgresStore, postgresSchema, postgresStore } from "flagon/postgres";
import { storeConformance } from "flagon/testing";
import pg from "pg";
import postgres from "postgres";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Server, startPostgres } from "../../../../test/support/services/index.ts";
import { storedSession } from "./stored-session.ts";

interface Connection {
  readonly client: PostgresClient;
  readonly prepare?: boolean;
  close(): Promise<unknown>;
}

const serializable = "-c default_transaction_isolation=serializable";

/** How each client is made, as its own documentation does it, and with what an app may have told it. */
const clients: Record<string, (url: string) => Promise<Connection>> = {
  "a Pool of pg": async (url) => {
    const pool = new pg.Pool({ connectionString: url });
    return { client: pool, close: () => pool.end() };
  },
  "a Client of pg": async (url) => {
    const client = new pg.Client(url);
    await client.connect();
    return { client, close: () => client.end() };
  },
  "a Pool of pg without prepared statements": async (url) => {
    const pool = new pg.Pool({ connectionString: url });
    return { client: pool, prepare: false, close: () => pool.end() };
  },
  "a Pool of pg where transactions are serializable": async (url) => {
    const pool = new pg.Pool({ connectionString: url, options: serializable });
    return { client: pool, close: () => pool.end() };
  },
  "postgres.js": async (url) => {
    const sql = postgres(url, { onnotice: () => {} });
    return { client: sql, close: () => sql.end() };
  },
  "postgres.js that renames columns and reads integers as bigint": async (url) => {
    const sql = postgres(url, {
      onnotice: () => {},
      prepare: false,
      transform: postgres.camel,
      types: { bigint: postgres.BigInt },
    });
    return { client: sql, prepare: false, close: () => sql.end() };
  },
};

describeWith("postgres")("postgresStore on a server", () => {
  let server: Server;
  let raw: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres();
    raw = new pg.Pool({ connectionString: server.url });
    // A connection that lies idle may hear of the server's end before the pool does.
    raw.on("error", () => {});
  });
  afterAll(async () => {
    await raw.end();
    await server.stop();
  });
  afterEach(() => vi.unstubAllEnvs());

  describe.each(Object.entries(clients))("keeps the contract of a store through %s", (name, connect) => {
    let first: Connection;
    let second: Connection;
    const table = `t${Object.keys(clients).indexOf(name)}`;
    beforeAll(async () => {
      first = await connect(server.url);
      second = await connect(server.url);
    });
    afterAll(async () => {
      await first.close();
      await second.close();
    });

    const on = ({ client, prepare }: Connection, conditions: { now: () => number }): PostgresStore =>
      postgresStore(client, { ...conditions, table, ...(prepare === undefined ? {} : { prepare }) });
    const cases = storeConformance((conditions) => on(first, conditions), {
      makePeer: (_store, conditions) => on(second, conditions),
      makeBroken: async (conditions) => {
        const gone = await connect(server.url);
        await gone.close();
        return on(gone, conditions);
      },
    });
    for (const { name, run } of cases) test(name, run);
  });

  describe("setup", () => {
    test("makes a table in any schema, with indexes on user and expiry, and changes nothing the second time", async () => {
      await raw.query("CREATE SCHEMA app");
      const store = postgresStore(raw, { table: "app.Sessions" });
      await store.setup();
      await store.create(storedSession({ expiresAt: Date.now() + 60_000 }));
      await store.setup();
      const { rows } = await raw.query("SELECT indexdef FROM pg_indexes WHERE schemaname = 'app' ORDER BY indexname");
      expect(rows.map(({ indexdef }) => indexdef.replace(/.* USING /, ""))).toEqual(
        ["btree (expires_at)", 'btree (id COLLATE "C")', 'hash (user_id COLLATE "C")'].map((definition) =>
          expect.stringContaining(definition.replace(' COLLATE "C"', "")),
        ),
      );
      expect(await store.read("id")).not.toBeNull();
    });

    test("is what postgresSchema() says, for those who migrate by hand", async () => {
      await raw.query(postgresSchema("by_hand"));
      vi.stubEnv("NODE_ENV", "production");
      const store = postgresStore(raw, { table: "by_hand", now: () => 0 });
      await store.create(storedSession());
      expect(await store.read("id")).toEqual(storedSession());
      await store.setup();
    });

    test("takes no lock and no right where the table is up to date: a dump runs, a role may not create", async () => {
      await postgresStore(raw, { table: "in_use" }).setup();
      const dump = await raw.connect();
      await dump.query("BEGIN; LOCK TABLE in_use IN ACCESS SHARE MODE");
      await raw.query("PREPARE schema AS SELECT 1");
      await postgresStore(raw, { table: "in_use" }).setup();
      await raw.query("CREATE ROLE app_only LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
      await raw.query("GRANT SELECT, INSERT, UPDATE, DELETE ON in_use TO app_only");
      const url = new URL(server.url);
      url.username = "app_only";
      const client = new pg.Client(url.href);
      await client.connect();
      const store = postgresStore(client, { table: "in_use", now: () => 0 });
      await store.setup();
      await store.create(storedSession());
      expect(await store.read("id")).toEqual(storedSession());
      await client.end();
      await dump.query("COMMIT");
      dump.release();
    });

    test("gives up after five seconds where another transaction is in the way, and says so", async () => {
      const other = await raw.connect();
      await other.query("BEGIN; CREATE TABLE held_up (id text)");
      await expect(postgresStore(raw, { table: "held_up" }).setup()).rejects.toMatchObject({
        code: "store_unavailable",
        message: expect.stringContaining("another transaction holds it"),
      });
      await other.query("ROLLBACK");
      other.release();
      await postgresStore(raw, { table: "held_up" }).setup();
    });

    test("may run on many instances at once", async () => {
      const stores = Array.from({ length: 10 }, () => postgresStore(raw, { table: "at_once" }));
      await Promise.all(stores.map((store) => store.setup()));
      expect(await stores[0]?.list("u")).toEqual([]);
    });

    test("refuses a table that a newer Flagon made", async () => {
      await raw.query(postgresSchema("newer"));
      await raw.query("COMMENT ON TABLE newer IS 'Flagon sessions, schema 2'");
      await expect(postgresStore(raw, { table: "newer" }).setup()).rejects.toThrow(TypeError);
    });

    test("in development the store runs it by itself; in production a missing table is a TypeError that says what to do", async () => {
      vi.stubEnv("NODE_ENV", "production");
      const store = postgresStore(raw, { table: "missing", now: () => 0 });
      await expect(store.read("id")).rejects.toThrow(/store\.setup\(\)/);
      await expect(store.create(storedSession())).rejects.toThrow(TypeError);
      vi.stubEnv("NODE_ENV", "development");
      await Promise.all([store.create(storedSession()), store.list("u"), store.read("x"), store.deleteExpired(0)]);
      expect(await store.read("id")).toEqual(storedSession());
    });
  });

  test("takes one statement on the wire for each act, prepared once for each connection", async () => {
    const client = new pg.Client(server.url);
    await client.connect();
    const store = postgresStore(client, { table: "spends", now: () => 0 });
    await store.setup();
    const send = vi.spyOn(client, "query");
    await store.create(storedSession({ userId: "u" }));
    await store.read("id");
    await store.replace(storedSession({ version: 2 }), 1);
    await store.touch("id", { expiresAt: 2_000_000, lastSeenAt: 1 });
    await store.read("id");
    await store.readMany?.(["id", "none", "id"]);
    await store.list("u");
    await store.delete("id");
    expect(send).toHaveBeenCalledTimes(8);
    const { rows } = await client.query(
      "SELECT count(*)::int AS n FROM pg_prepared_statements WHERE name LIKE 'flagon_%'",
    );
    expect(rows[0].n).toBe(7);
    await client.end();
  });

  test("leaves pruning to the instance that is at it", async () => {
    const store = postgresStore(raw, { table: "one_at_a_time", now: () => 0 });
    await store.create(storedSession({ expiresAt: 1 }));
    const other = await raw.connect();
    await other.query("BEGIN; SELECT pg_advisory_xact_lock(8676421101)");
    expect(await store.deleteExpired(1)).toBe(0);
    await other.query("COMMIT");
    other.release();
    expect(await store.deleteExpired(1)).toBe(1);
  });

  test("waits for no row that a request holds when it prunes", async () => {
    const store = postgresStore(raw, { table: "held", now: () => 0 });
    for (const id of ["held", "free"]) await store.create(storedSession({ id, expiresAt: 1 }));
    const holder = await raw.connect();
    await holder.query("BEGIN; SELECT * FROM held WHERE id = 'held' FOR UPDATE");
    expect(await store.deleteExpired(1)).toBe(1);
    await holder.query("COMMIT");
    holder.release();
    expect(await store.deleteExpired(1)).toBe(1);
  });

  test("finds sessions by id, user and expiry through indexes", async () => {
    const store = postgresStore(raw, { table: "planned", now: () => 0 });
    await store.setup();
    await raw.query(`INSERT INTO planned SELECT 'id' || n, NULL, 1, 'user' || n / 3, NULL, n, n, 1000000 + n, 'x'
      FROM generate_series(1, 20000) n; ANALYZE planned`);
    const plan = async (condition: string): Promise<string> => {
      const { rows } = await raw.query(`EXPLAIN SELECT * FROM planned WHERE ${condition}`);
      return rows.map((row) => row["QUERY PLAN"]).join("\n");
    };
    expect(await plan("id = 'id7' AND expires_at > 0")).toContain("Index Scan using planned_pkey");
    const many = 'id = ANY (ARRAY(SELECT json_array_elements_text(\'["id7","id9"]\'::text::json))) AND expires_at > 0';
    expect(await plan(many)).toContain("planned_pkey");
    expect(await plan("user_id = 'user7' AND expires_at > 0 AND data IS NOT NULL")).toContain("planned_user");
    expect(await plan("expires_at <= 1000100")).toContain("planned_expiry");
  });

  test.each([
    ["a version that is none", "version", "9223372036854775807"],
    ["text that Flagon did not write", "device", "'\\x'"],
  ])("rejects with store_corrupt for %s", async (_what, column, value) => {
    const store = postgresStore(raw, { table: "garbage", now: () => 0 });
    await store.delete("id");
    await store.create(storedSession({ userId: "u" }));
    await raw.query(`UPDATE garbage SET ${column} = ${value}`);
    const corrupt = { name: "SessionError", code: "store_corrupt" };
    await expect(store.read("id")).rejects.toMatchObject(corrupt);
    await expect(store.list("u")).rejects.toMatchObject(corrupt);
  });

  test("lets what the driver says come through", async () => {
    const pool = new pg.Pool({ connectionString: server.url.replace(/\/[^/]*$/, "/nowhere") });
    await expect(postgresStore(pool).read("x")).rejects.toMatchObject({ code: "3D000" });
    await pool.end();
  });
});

describe("postgresStore in the process, with PGlite, keeps the contract of a store", () => {
  let lite: PGlite;
  let closed: PGlite;
  beforeAll(async () => {
    lite = await PGlite.create();
    closed = await PGlite.create();
    await closed.close();
  });
  afterAll(() => lite.close());

  const cases = storeConformance((conditions) => postgresStore(lite, conditions), {
    makeBroken: (conditions) => postgresStore(closed, conditions),
  });
  for (const { name, run } of cases) test(name, run);
});

test.each([undefined, null, {}, "postgres://127.0.0.1", () => {}])(
  "throws a TypeError for %s as a client",
  (client) => {
    expect(() => postgresStore(client as never)).toThrow(TypeError);
  },
);

test.each(["", "a b", 'a"b', "a.b.c", "1a", "a;b", "x".repeat(41)])("throws a TypeError for %j as a table", (table) => {
  const client = { query: () => Promise.resolve({ rows: [] }) };
  expect(() => postgresStore(client, { table })).toThrow(TypeError);
  expect(() => postgresSchema(table)).toThrow(TypeError);
});
