import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import pg from "pg";
import { expect, test } from "vitest";
import { describeWith } from "./support/services/describe-with.ts";
import {
  openProfile,
  profileFolder,
  runPython,
  startChromium,
  startFlask,
  startPostgres,
  startRedis,
  startRedisCluster,
} from "./support/services/index.ts";

describeWith("redis")("the Redis of the tests", () => {
  test("keeps what it acknowledged through a kill when it is persistent, and comes back on the same port", async () => {
    await using server = await startRedis({ persistent: true });
    const redis = new Redis(server.url);
    await redis.set("key", "value");
    redis.disconnect();
    const before = server.pid;
    await server.kill9();
    await server.restart();
    expect(server.pid).not.toBe(before);
    const again = new Redis(server.url);
    expect(await again.get("key")).toBe("value");
    again.disconnect();
  });

  test("answers nothing while it is paused, and goes on afterwards", async () => {
    await using server = await startRedis();
    const redis = new Redis(server.url, { commandTimeout: 200, maxRetriesPerRequest: 0 });
    await redis.ping();
    server.pause();
    await expect(redis.ping()).rejects.toThrow("Command timed out");
    server.resume();
    redis.disconnect();
    const again = new Redis(server.url);
    expect(await again.ping()).toBe("PONG");
    again.disconnect();
  });

  test("is a cluster of six nodes, in which a replica takes over when a master is killed", async () => {
    await using cluster = await startRedisCluster();
    const redis = new Redis.Cluster(cluster.nodes.map(({ port }) => ({ host: "127.0.0.1", port })));
    await redis.set("key", "value");
    const master = await cluster.masterOf("key");
    await redis.wait(1, 1_000);
    await master.kill9();
    await expect.poll(async () => (await cluster.masterOf("key")).port, { timeout: 15_000 }).not.toBe(master.port);
    await expect.poll(() => redis.get("key"), { timeout: 15_000 }).toBe("value");
    await master.restart();
    await cluster.untilHealthy();
    redis.disconnect();
  }, 60_000);
});

describeWith("postgres")("the PostgreSQL of the tests", () => {
  test("comes back after a kill with what it had committed", async () => {
    await using server = await startPostgres();
    const query = async (sql: string) => {
      const client = new pg.Client(server.url);
      client.on("error", () => {});
      await client.connect();
      const { rows } = await client.query(sql);
      await client.end();
      return rows;
    };
    await query("create table t as select 1 as one");
    await server.kill9();
    await expect(query("select 1")).rejects.toThrow();
    await server.restart();
    expect(await query("select * from t")).toEqual([{ one: 1 }]);
  }, 60_000);
});

describeWith("chromium")("the Chromium of the tests", () => {
  test("shows a page, and keeps a profile's permanent cookies when it is closed and opened", async () => {
    const browser = await startChromium();
    const page = await browser.newPage();
    await page.setContent("<h1>Hello</h1>");
    expect(await page.textContent("h1")).toBe("Hello");
    await browser.close();

    const folder = profileFolder();
    const first = await openProfile(folder);
    const expires = Math.floor(Date.now() / 1000) + 3600;
    await first.addCookies([{ name: "kept", value: "1", url: "http://127.0.0.1/", expires }]);
    await first.addCookies([{ name: "gone", value: "1", url: "http://127.0.0.1/" }]);
    await first.close();
    const second = await openProfile(folder);
    const names = (await second.cookies()).map(({ name }) => name);
    await second.close();
    expect(names).toEqual(["kept"]);
  });
});

describeWith("flask")("the Flask of the tests", () => {
  test("serves an app, and runs a program", async () => {
    await using server = await startFlask({ app: `${import.meta.dirname}/support/hello.py` });
    expect(await (await fetch(server.url)).text()).toBe("Hello from Flask");
    expect(await runPython("import sys; print(sys.stdin.read().upper())", "grüße")).toBe("GRÜSSE\n");
  });
});

describeWith("redis")("a server", () => {
  test("ends, and its folder goes, when the process that started it is killed", async () => {
    const program = `
      const { startRedis } = await import(${JSON.stringify(`${import.meta.dirname}/support/services/index.ts`)});
      const { pid, url } = await startRedis();
      console.log(JSON.stringify({ pid, url }));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(child.stdout, "data");
    const { pid, url } = JSON.parse(String(line)) as { pid: number; url: string };
    const redis = new Redis(url);
    const [, folder] = (await redis.config("GET", "dir")) as string[];
    redis.disconnect();
    child.kill("SIGKILL");
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => existsSync(String(folder)), { timeout: 10_000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
