import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Server, startRedis } from "../../../../test/support/services/index.ts";
import { dataFolder, freePort, startServer } from "../../../../test/support/services/server.ts";
import { build } from "./build.ts";

const apps = new URL("./apps/", import.meta.url);
const next = fileURLToPath(new URL("../../../../node_modules/next/dist/bin/next", import.meta.url));

/** Next's own server, as its commands start it. */
class NextServer {
  #server: Server | undefined;

  async start(command: "dev" | "start", folder: string, env: Readonly<Record<string, string>>): Promise<void> {
    const port = await freePort();
    const address = { url: `http://127.0.0.1:${port}`, port, folder: dataFolder("next") };
    const args = [next, command, fileURLToPath(new URL(folder, apps)), "-p", String(port), "-H", "127.0.0.1"];
    const quiet = { NODE_OPTIONS: "", VITEST: "", NEXT_TELEMETRY_DISABLED: "1" };
    const program = { command: process.execPath, args, env: { ...quiet, ...env } };
    this.#server = await startServer({ ...program, stopSignals: ["SIGTERM"], ready: /Ready in/ }, address);
  }

  get origin(): string {
    return this.#server?.url ?? "";
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  async control(what: string): Promise<{ waiting: number }> {
    const headers = { origin: this.origin };
    return await (await fetch(`${this.origin}/control?${what}`, { method: "POST", headers })).json();
  }
}

/** Where a session is asked for: in a route handler, in a page and in the proxy, which have a copy of each module. */
const places = ["me", "slow", "proxied"];
const kinds = ["sealed", "memory", "redis"];

interface Answer {
  readonly userId: string | null;
  readonly copy: string;
}

/** A browser with one cookie. */
class Visitor {
  readonly #server: NextServer;
  readonly #kind: string;
  cookie = "";

  constructor(server: NextServer, kind: string) {
    this.#server = server;
    this.#kind = kind;
  }

  async #send(path: string, init: RequestInit = {}): Promise<string> {
    const headers = { origin: this.#server.origin, cookie: this.cookie };
    const url = `${this.#server.origin}/${path}?kind=${this.#kind}`;
    const response = await fetch(url, { ...init, headers });
    const text = await response.text();
    expect([path, response.status, response.ok ? "" : text]).toEqual([path, 200, ""]);
    const set = response.headers.getSetCookie().find((line) => line.startsWith(`${this.#kind}=`));
    this.cookie = set?.split(";")[0] ?? this.cookie;
    return text;
  }

  async signIn(): Promise<void> {
    await this.#send("in", { method: "POST" });
  }

  /** By the page's form, as a browser without scripts sends it. */
  async signOut(): Promise<void> {
    const html = await this.#send("out");
    const form = new FormData();
    for (const [, field = ""] of html.matchAll(/type="hidden" name="([^"]*)"/g)) form.set(field, "");
    form.set("name", this.#kind);
    await this.#send("out", { method: "POST", body: form });
  }

  async ask(place: string): Promise<Answer> {
    const text = await this.#send(place);
    return JSON.parse((/<p>(.*?)<\/p>/.exec(text)?.[1] ?? text).replaceAll(/'|&#x27;/g, '"'));
  }

  /** Who is signed in, wherever one asks. */
  async everywhere(): Promise<(string | null)[]> {
    const users: (string | null)[] = [];
    for (const place of places) users.push((await this.ask(place)).userId);
    return users;
  }
}

/** What holds of Next's own server, however it was started. */
function testCopies(server: NextServer): void {
  test("Next has more than one copy of an app's module", async () => {
    const visitor = new Visitor(server, "sealed");
    const copies = new Set<string>();
    for (const place of places) copies.add((await visitor.ask(place)).copy);
    expect(copies.size).toBeGreaterThan(1);
  });

  test.each(kinds)("a session that begins in one copy opens in all, and ends in all: %s", async (kind) => {
    const [ann, bob] = [new Visitor(server, kind), new Visitor(server, kind)];
    await ann.signIn();
    expect(await ann.everywhere()).toEqual(["ann", "ann", "ann"]);
    expect(await bob.everywhere()).toEqual([null, null, null]);
    const { cookie } = ann;
    await ann.signOut();
    expect(await ann.everywhere()).toEqual([null, null, null]);
    ann.cookie = cookie;
    expect(await ann.everywhere()).toEqual([null, null, null]);
  });

  test.each(kinds)("a page that was slow brings no session back that was signed out meanwhile: %s", async (kind) => {
    const ann = new Visitor(server, kind);
    await ann.signIn();
    const { cookie } = ann;
    await server.control("aheadMs=1200000"); // The session is to be renewed.
    await server.control("hold");
    const late = new Visitor(server, kind);
    late.cookie = cookie;
    const page = late.ask("slow");
    await expect.poll(async () => (await server.control("")).waiting, { timeout: 15_000 }).toBe(1);
    await ann.signOut();
    await server.control("open");
    expect((await page).userId).toBe("ann");
    await server.control("aheadMs=0");
    if (kind === "sealed") expect(late.cookie).not.toBe(cookie); // Renewed by the proxy, before the page began.
    // The browser keeps what came last.
    for (const last of [late.cookie, cookie]) {
      ann.cookie = last;
      expect(await ann.everywhere()).toEqual([null, null, null]);
    }
  });
}

test.each([
  ["store.ts", "```ts file=store.ts\n"],
  // Without a name: a newcomer's app has this one only with Redis.
  ["redis-store.ts", "```ts\n"],
])("docs/guide.md shows the %s that is run here", (file, fence) => {
  const guide = readFileSync(new URL("../../../../docs/guide.md", import.meta.url), "utf8");
  const code = readFileSync(new URL(`next-copies/${file}`, apps), "utf8");
  expect(guide).toContain(`${fence}${code}\`\`\`\n`);
});

describeWith("redis")("Next's own server", () => {
  let redis: Server;
  let client: Redis;
  const connections = async (): Promise<number> => {
    const list = String(await client.client("LIST", "TYPE", "NORMAL"));
    return list.trim().split("\n").length - 1;
  };

  beforeAll(async () => {
    redis = await startRedis({ own: true });
    client = new Redis(redis.url);
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
  });

  describe("next start", () => {
    const server = new NextServer();
    beforeAll(async () => {
      await build("next-copies", "next", "build"); // without a Redis
      await server.start("start", "next-copies", { NODE_ENV: "production", REDIS_URL: redis.url });
    }, 300_000);
    afterAll(() => server.stop());

    testCopies(server);
    test("all copies have one connection", async () => expect(await connections()).toBe(1));
  });

  describe("next dev", () => {
    const server = new NextServer();
    const edited = new URL(".edited/", apps);
    beforeAll(async () => {
      rmSync(edited, { recursive: true, force: true });
      cpSync(new URL("next-copies/", apps), edited, { recursive: true });
      await server.start("dev", ".edited", { NODE_ENV: "development", REDIS_URL: redis.url, TEST_DIST: ".next" });
    }, 120_000);
    afterAll(async () => {
      await server.stop();
      rmSync(edited, { recursive: true, force: true, maxRetries: 5 });
    });

    testCopies(server);
    test("an edit takes no session away, and opens no further connection", async () => {
      const visitors = kinds.map((kind) => new Visitor(server, kind));
      for (const ann of visitors) await ann.signIn();
      const before = await visitors[0]?.ask("me");
      for (const file of ["store.ts", "redis-store.ts", "sessions.ts"]) {
        const path = new URL(file, edited);
        writeFileSync(path, `${readFileSync(path, "utf8")}\n// edited\n`);
      }
      await expect.poll(async () => (await visitors[0]?.ask("me"))?.copy, { timeout: 15_000 }).not.toBe(before?.copy);
      for (const ann of visitors) expect(await ann.everywhere()).toEqual(["ann", "ann", "ann"]);
      expect(await connections()).toBe(1);
    });
  }, 60_000);
});
