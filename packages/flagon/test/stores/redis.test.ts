import { redisStore } from "flagon/redis";
import { storeConformance } from "flagon/testing";
import { Redis as IoRedis } from "ioredis";
import { Redis as IoValkey } from "iovalkey";
import { createClient, createClientPool } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Server, startRedis } from "../../../../test/support/services/index.ts";
import type { RedisClient } from "../../src/stores/redis.ts";
import { storedSession } from "./stored-session.ts";

interface Connection {
  readonly client: RedisClient;
  close(): unknown;
}

/** How each client is made, as its own documentation does it, and with what an app may have told it. */
const clients: Record<string, (url: string) => Promise<Connection>> = {
  "redis (node-redis)": async (url) => {
    const client = await createClient({ url }).connect();
    return { client, close: () => client.destroy() };
  },
  "redis (node-redis), RESP2, with replies mapped otherwise": async (url) => {
    const commandOptions = { typeMapping: { 36: String, 58: String, 43: Buffer } };
    const client = await createClient({ url, RESP: 2, commandOptions }).connect();
    return { client, close: () => client.destroy() };
  },
  "redis (node-redis), a pool": async (url) => {
    const pool = createClientPool({ url });
    await pool.connect();
    return { client: pool, close: () => pool.destroy() };
  },
  ioredis: async (url) => {
    const client = new IoRedis(url);
    return { client, close: () => client.disconnect() };
  },
  "ioredis, with a key prefix": async (url) => {
    const client = new IoRedis(url, { keyPrefix: "app:" });
    return { client, close: () => client.disconnect() };
  },
  "ioredis, with automatic pipelining": async (url) => {
    const client = new IoRedis(url, { enableAutoPipelining: true });
    return { client, close: () => client.disconnect() };
  },
  iovalkey: async (url) => {
    const client = new IoValkey(url);
    return { client, close: () => client.disconnect() };
  },
};

describeWith("redis")("redisStore on one server", () => {
  let server: Server;
  let raw: IoRedis;
  beforeAll(async () => {
    server = await startRedis();
    raw = new IoRedis(server.url);
  });
  afterAll(async () => {
    raw.disconnect();
    await server.stop();
  });

  describe.each(Object.entries(clients))("keeps the contract of a store through %s", (_name, connect) => {
    let first: Connection;
    let second: Connection;
    beforeAll(async () => {
      first = await connect(server.url);
      second = await connect(server.url);
    });
    afterAll(async () => {
      await first.close();
      await second.close();
    });

    const cases = storeConformance((conditions) => redisStore(first.client, conditions), {
      expiresByItself: true,
      makePeer: (_store, conditions) => redisStore(second.client, conditions),
      makeBroken: async (conditions) => {
        const gone = await connect(server.url);
        await redisStore(gone.client).read("x");
        await gone.close();
        return redisStore(gone.client, conditions);
      },
    });
    for (const { name, run } of cases) test(name, run);
  });

  describe("spends", () => {
    /** The commands that clients sent while `work` ran; a script's own are not among them. */
    async function sent(work: () => Promise<unknown>): Promise<string[]> {
      const monitor = await raw.monitor();
      const commands: string[] = [];
      monitor.on("monitor", (_time, [command]: string[], source: string) => {
        if (source !== "lua") commands.push(String(command).toLowerCase());
      });
      try {
        await work();
        await raw.echo("end");
        await expect.poll(() => commands.at(-1)).toBe("echo");
        return commands.slice(0, -1);
      } finally {
        monitor.disconnect();
      }
    }

    test("one command on a read, a replace, a touch and a delete, whoever is signed in", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "spends:" });
      for (const userId of [null, "42"]) {
        const session = storedSession({ id: `spends ${userId}`, userId });
        await store.create(session);
        await store.touch(session.id, { expiresAt: 1_000_001, lastSeenAt: 1 });
        await store.replace({ ...session, version: 2 }, 1);
        expect(await sent(() => store.read(session.id))).toEqual(["get"]);
        expect(await sent(() => store.replace({ ...session, version: 3, expiresAt: 1_500_000 }, 2))).toEqual([
          "evalsha",
        ]);
        expect(await sent(() => store.touch(session.id, { expiresAt: 1_900_000, lastSeenAt: 1 }))).toEqual(["evalsha"]);
        expect(await sent(() => store.delete(session.id))).toEqual(["del"]);
      }
    });

    test("two commands on a visitor's sign-in, and one on each change after it, however soon", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "spends:" });
      const visitor = storedSession({ id: "signs in" });
      await store.create(visitor);
      await store.read(visitor.id);
      const signedIn = { ...visitor, userId: "9", version: 2 };
      expect(await sent(() => store.replace(signedIn, 1))).toEqual(["evalsha", "evalsha"]);
      expect(await sent(() => store.replace({ ...signedIn, version: 3 }, 2))).toEqual(["evalsha"]);
    });

    test("one command on a sign-in that is refused, and three on one whose session it has not read", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "spends:" });
      const visitor = storedSession({ id: "unread" });
      await store.create(visitor);
      const signedIn = { ...visitor, userId: "9", version: 3 };
      expect(await sent(() => store.replace(signedIn, 2))).toEqual(["evalsha"]);
      expect(await sent(() => store.replace({ ...signedIn, version: 2 }, 1))).toEqual([
        "evalsha",
        "evalsha",
        "evalsha",
      ]);
    });

    test("a command for each session that is read, once, all of them in one round trip", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "spends:" });
      const ids = ["many a", "many b", "none", "many a"];
      for (const id of ids.slice(0, 2)) await store.create(storedSession({ id }));
      expect(await sent(async () => store.readMany?.(ids))).toEqual(["get", "get", "get"]);
      let asked = 0;
      const counting: RedisClient = {
        ...through(raw, () => {}),
        getBuffer: (key) => {
          asked++;
          return raw.getBuffer(key);
        },
      };
      const answer = redisStore(counting, { now: () => 0, prefix: "spends:" }).readMany?.([...ids, "none either"]);
      expect(asked).toBe(4);
      expect((await answer)?.map((session) => session?.id)).toEqual([
        "many a",
        "many b",
        undefined,
        "many a",
        undefined,
      ]);
    });

    test("one command on an anonymous create, two on a signed-in one", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "spends:" });
      expect(await sent(() => store.create(storedSession({ id: "anonymous" })))).toEqual(["evalsha"]);
      expect(await sent(() => store.create(storedSession({ id: "signed in", userId: "7" })))).toEqual([
        "evalsha",
        "evalsha",
      ]);
    });

    test("the whole script once, where the server does not have it", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "spends:" });
      await raw.script("FLUSH");
      expect(await sent(() => store.create(storedSession({ id: "flushed" })))).toEqual(["evalsha", "eval"]);
      expect(await sent(() => store.create(storedSession({ id: "known" })))).toEqual(["evalsha"]);
    });
  });

  describe("leaves nothing behind", () => {
    test("every key has a time to live, from a session's end on", async () => {
      let time = 0;
      const prefix = "lives:";
      const store = redisStore(raw, { now: () => time, prefix });
      await store.create(storedSession({ id: "a", userId: "u", expiresAt: 1_000_000 }));
      await store.create(storedSession({ id: "b", expiresAt: 2_000_000 }));
      await store.create(storedSession({ id: "c", userId: "u", expiresAt: 30 * DAY_MS }));
      await store.replace(storedSession({ id: "b", version: 2, expiresAt: 3_000_000 }), 1);
      time = 500_000;
      await store.touch("a", { expiresAt: 5_000_000, lastSeenAt: time });
      expect(Object.keys(await livesOf(prefix)).sort()).toEqual(["lives:s:a", "lives:s:b", "lives:s:c", "lives:u:u"]);
      const lives = await livesOf(prefix);
      expect(lives["lives:s:a"]).toBeOneOf(around(5_000_000 - 500_000));
      expect(lives["lives:s:b"]).toBeOneOf(around(3_000_000));
      expect(lives["lives:u:u"]).toBeGreaterThan(30 * DAY_MS);
    });

    /** What Redis says a key has left, within the minute that the store adds and what passed since. */
    const around = (ms: number): { asymmetricMatch(value: unknown): boolean }[] => [
      { asymmetricMatch: (value) => typeof value === "number" && value > ms && value <= ms + 60_000 },
    ];

    async function livesOf(prefix: string): Promise<Record<string, number>> {
      const keys = await raw.keys(`${prefix}*`);
      return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await raw.pttl(key)])));
    }
  });

  describe("its user's index", () => {
    test("outlives a session that is renewed far past what it was created for", async () => {
      let time = 0;
      const prefix = "renewed:";
      const store = redisStore(raw, { now: () => time, prefix });
      await store.create(storedSession({ id: "a", userId: "u", expiresAt: 1_000 }));
      for (let day = 0; day < 200; day++) {
        const expiresAt = time + 30 * DAY_MS;
        if (day % 2) await store.touch("a", { expiresAt, lastSeenAt: time });
        else {
          const session = await store.read("a");
          await store.replace(
            { ...storedSession({ id: "a", userId: "u" }), version: day + 2, expiresAt },
            session?.version ?? 0,
          );
        }
        time += DAY_MS;
        // Another session of the same user prunes what the index believes to be over.
        await store.create(storedSession({ id: `other ${day}`, userId: "u", expiresAt: time + 1 }));
        expect((await store.list("u")).map(({ id }) => id)).toContain("a");
      }
      expect(await raw.pttl(`${prefix}u:u`)).toBeGreaterThan(29 * DAY_MS);
    });

    test("forgets sessions that were ended, once they can't be of a login that is under way", async () => {
      let time = 1_000_000;
      const key = "forgets:u:u";
      const store = redisStore(raw, { now: () => time, prefix: "forgets:" });
      for (const id of ["a", "b", "c"])
        await store.create(storedSession({ id, userId: "u", expiresAt: time + DAY_MS }));
      await store.delete("a");
      await store.replace(storedSession({ id: "b", userId: "u", version: 2, data: null, expiresAt: time + 30_000 }), 1);
      expect((await store.list("u")).map(({ id }) => id)).toEqual(["c"]);
      expect(await raw.zcard(key)).toBe(3);
      time += 60_001;
      expect((await store.list("u")).map(({ id }) => id)).toEqual(["c"]);
      expect(await raw.zcard(key)).toBe(1);
    });

    test("forgets by itself when a user signs in and out without end", async () => {
      let time = 1_000_000;
      const store = redisStore(raw, { now: () => time, prefix: "endless:" });
      for (let n = 0; n < 300; n++) {
        await store.create(storedSession({ id: `${n}`, userId: "u", expiresAt: time + DAY_MS }));
        await store.delete(`${n}`);
        time += 60_001;
      }
      expect(await raw.zcard("endless:u:u")).toBeLessThanOrEqual(64);
    });

    test("shows and removes nothing of a session that is another user's by now", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "moved:" });
      const session = storedSession({ id: "a", userId: "first" });
      await store.create(session);
      await store.replace({ ...session, userId: "second", version: 2 }, 1);
      expect(await store.list("first")).toEqual([]);
      expect((await store.list("second")).map(({ id }) => id)).toEqual(["a"]);
    });

    test("knows of a session before the session is there, so that a crash between the two hides none", async () => {
      const order: string[] = [];
      const recording = through(raw, (key) => void order.push(key));
      const store = redisStore(recording, { now: () => 0, prefix: "order:" });
      await store.create(storedSession({ id: "a", userId: "u" }));
      expect([...new Set(order)]).toEqual(["order:u:u", "order:s:a"]);
      order.length = 0;
      await store.replace(storedSession({ id: "a", userId: "v", version: 2 }), 1);
      expect([...new Set(order)]).toEqual(["order:s:a", "order:u:v"]);
      expect(order.at(-1)).toBe("order:s:a");
    });
  });

  test("a create that fails half-way leaves no session, and an entry in the index that is forgotten", async () => {
    let time = 1_000_000;
    let commands = 0;
    const failing = through(raw, () => {
      if (++commands > 1) throw new Error("Connection is closed.");
    });
    const options = { now: () => time, prefix: "half:" };
    const session = storedSession({ userId: "u", expiresAt: 3_000_000 });
    await redisStore(raw, options).create(storedSession({ id: "before", userId: "u", expiresAt: 3_000_000 }));
    await expect(redisStore(failing, options).create(session)).rejects.toThrow("Connection is closed.");
    const store = redisStore(raw, options);
    expect(await store.read("id")).toBeNull();
    expect((await store.list("u")).map(({ id }) => id)).toEqual(["before"]);
    expect(await raw.zcard("half:u:u")).toBe(2);
    time += 60_001;
    expect((await store.list("u")).map(({ id }) => id)).toEqual(["before"]);
    expect(await raw.zcard("half:u:u")).toBe(1);
    await store.create(session);
    expect((await store.list("u")).map(({ id }) => id).sort()).toEqual(["before", "id"]);
  });

  test("keeps the names of keys short and their text whole for any id", async () => {
    const prefix = "names:";
    const store = redisStore(raw, { now: () => 0, prefix });
    const long = "é\u0000\ud800".repeat(5_000);
    await store.create(storedSession({ id: long, userId: long }));
    const keys = await raw.keys(`${prefix}*`);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key).toMatch(/^names:[su]:"[\w-]{43}$/);
    expect((await store.list(long))[0]?.id).toBe(long);
  });

  describe("rejects with store_corrupt", () => {
    const corrupt = { name: "SessionError", code: "store_corrupt" };
    const key = "garbage:s:id";

    test.each([
      ["text of somebody else's", () => raw.set(key, "hello")],
      ["another format", () => raw.set(key, Buffer.alloc(80, 7))],
      ["a list", () => raw.rpush(key, "x")],
    ])("for %s under a session's name, and leaves it alone", async (_what, spoil) => {
      const store = redisStore(raw, { now: () => 0, prefix: "garbage:" });
      await raw.del(key);
      await spoil();
      const before = await raw.dump(key);
      await expect(store.read("id")).rejects.toMatchObject(corrupt);
      await expect(store.create(storedSession())).rejects.toMatchObject(corrupt);
      await expect(store.replace(storedSession({ version: 2 }), 1)).rejects.toMatchObject(corrupt);
      await expect(store.touch("id", { expiresAt: 2, lastSeenAt: 1 })).rejects.toMatchObject(corrupt);
      expect(await raw.dump(key)).toEqual(before);
    });

    test("for a session that was cut short", async () => {
      const store = redisStore(raw, { now: () => 0, prefix: "garbage:" });
      await raw.del(key);
      await store.create(storedSession({ userId: "a user with a name" }));
      await raw.set(key, (await raw.getBuffer(key))?.subarray(0, 52) ?? "");
      await expect(store.read("id")).rejects.toMatchObject(corrupt);
    });

    test.each(["text", "1:\\x"])("for a user's index that holds %s", async (entry) => {
      const store = redisStore(raw, { now: () => 0, prefix: "garbage:" });
      await raw.zadd("garbage:u:spoiled", 1, entry);
      await expect(store.list("spoiled")).rejects.toMatchObject(corrupt);
      await raw.del("garbage:u:spoiled");
      await raw.set("garbage:u:spoiled", "text");
      await expect(store.list("spoiled")).rejects.toMatchObject(corrupt);
      await raw.del("garbage:u:spoiled");
    });
  });

  test("lets what the driver says come through", async () => {
    await raw.config("SET", "requirepass", "secret");
    const locked = new IoRedis(server.url);
    locked.on("error", () => {});
    await expect(redisStore(locked).read("x")).rejects.toThrow(/NOAUTH/);
    await raw.config("SET", "requirepass", "");
    locked.disconnect();
  });

  test.each([undefined, null, {}, "redis://127.0.0.1", () => {}])("throws a TypeError for %s as a client", (client) => {
    expect(() => redisStore(client as never)).toThrow(TypeError);
  });

  test.each<[what: string, make: () => object, says: RegExp]>([
    ["one of ioredis that reads from replicas", () => new IoRedis({ lazyConnect: true, role: "slave" }), /replicas/],
    [
      "one of ioredis that gives numbers as text",
      () => new IoRedis({ lazyConnect: true, stringNumbers: true }),
      /stringNumbers/,
    ],
    ["node-redis in legacy mode", () => createClient().legacy(), /version 5/],
    // As version 4 is made: `sendCommand`, and no mapping of types.
    [
      "node-redis before version 5",
      () => ({ isReady: true, multi: () => {}, sendCommand: async () => null }),
      /version 5/,
    ],
  ])("names what to take in place of %s", (_what, make, says) => {
    expect(() => redisStore(make() as never)).toThrow(says);
  });
});

const DAY_MS = 86_400_000;

/** A client that says which key a script is about to run on; what `before` throws, the command rejects with. */
function through(client: IoRedis, before: (key: string) => void): RedisClient {
  return {
    getBuffer: (key) => client.getBuffer(key),
    del: (key) => client.del(key),
    zrange: (key, from, to) => client.zrange(key, from, to),
    zrem: (key, ...members) => client.zrem(key, ...members),
    eval: (script, keys, ...parts) => client.eval(script, keys, ...parts),
    evalsha: async (sha, keys, ...parts) => {
      before(String(parts[0]));
      return client.evalsha(sha, keys, ...parts);
    },
  };
}
