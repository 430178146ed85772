import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSessions, type Sessions } from "flagon";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import { sqliteStore } from "flagon/sqlite";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import {
  type RedisCluster,
  type Server,
  startPostgres,
  startRedis,
  startRedisCluster,
} from "../../../../test/support/services/index.ts";
import type { Store } from "../../src/store.ts";
import { type Answer, OTHER_SECRET, SECRET, visit } from "./terminal.ts";

const bin = join(import.meta.dirname, "../../bin/flagon.js");
const modules = join(import.meta.dirname, "../../../../node_modules");
const folder = mkdtempSync(join(tmpdir(), "flagon-cli-sessions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The command line as a person runs it: a process of its own, in a project that has these packages. */
function flagonIn(project: string, args: readonly string[], env: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const { SESSION_STORE: _, ...inherited } = process.env;
    const options = { cwd: project, env: { ...inherited, SESSION_SECRET: SECRET, ...env } };
    execFile(process.execPath, ["--conditions=flagon-source", bin, ...args], options, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

function projectWith(...names: string[]): string {
  const project = mkdtempSync(join(folder, "project-"));
  mkdirSync(join(project, "node_modules"));
  for (const name of names) symlinkSync(join(modules, name), join(project, "node_modules", name));
  return project;
}

/** What everyone does with a store: look, end one, end all, tidy up. */
function everyStore(project: () => string, url: () => string, make: () => Store): void {
  const flagon = (...args: string[]) => flagonIn(project(), args, { SESSION_STORE: url() });
  let sessions: Sessions<Record<string, unknown>>;
  const signIn = async (user: string, device: string): Promise<{ id: string; cookie: string }> => {
    let id = "";
    const line = await visit(sessions, (session) => {
      session.login(user, { device });
      id = session.id;
    });
    return { id, cookie: line.split(";")[0] ?? "" };
  };

  beforeAll(() => {
    sessions = createSessions({ secret: SECRET, store: make() });
  });

  it("lists a user's sessions, for a person and for a program", async () => {
    const [laptop, phone] = [await signIn("ada", "Work laptop"), await signIn("ada", "Phone")];
    await signIn("bob", "Tablet");
    const { out, code } = await flagon("sessions", "list", "ada");
    expect(code).toBe(0);
    expect(out).toMatch(/^2 live sessions of ada\n\n {2}session +device +last seen +began +ends\n/);
    expect(out).toMatch(new RegExp(`${laptop.id} {2}Work laptop .* in (29|30) min`));
    const json = JSON.parse((await flagon("sessions", "list", "ada", "--json")).out);
    expect(json.map(({ id }: { id: string }) => id).sort()).toEqual([laptop.id, phone.id].sort());
    expect(json[0]).toMatchObject({ createdAt: expect.stringMatching(/^\d{4}-.*Z$/), expiresAt: expect.any(String) });
    expect((await flagon("sessions", "list", "nobody")).out).toBe("nobody has no live session\n");
  });

  it("ends one session, and says when there is none", async () => {
    const { id, cookie } = await signIn("eve", "Laptop");
    expect((await flagon("inspect", cookie)).out).toMatch(
      /^✓ accepted {2}the id of a session in a store[\s\S]*user +eve/,
    );
    expect(await flagon("sessions", "revoke", id)).toEqual({ code: 0, out: `ended the session ${id}\n`, err: "" });
    expect((await flagon("sessions", "revoke", id)).code).toBe(1);
    const after = await flagon("inspect", cookie);
    expect(after.code).toBe(1);
    expect(after.out).toContain("✗ refused: ended");
    let user: string | null = "";
    await visit(
      sessions,
      (session) => {
        user = session.userId;
      },
      cookie,
    );
    expect(user).toBeNull();
  });

  it("ends all of a user's sessions but one", async () => {
    const [kept, other] = [await signIn("kim", "Laptop"), await signIn("kim", "Phone")];
    const { out } = await flagon("sessions", "revoke", "--user", "kim", `--except=${kept.id}`, "--json");
    expect(JSON.parse(out)).toEqual({ ended: [other.id] });
    expect((await sessions.list("kim")).map(({ id }) => id)).toEqual([kept.id]);
  });

  it("ends all of a user's sessions without a secret, and says what needs one", async () => {
    const { id } = await signIn("pat", "Laptop");
    const without = (...args: string[]) =>
      flagonIn(project(), ["sessions", ...args], { SESSION_STORE: url(), SESSION_SECRET: "" });
    for (const args of [
      ["list", "pat"],
      ["revoke", id],
    ]) {
      expect(await without(...args)).toMatchObject({ code: 2, err: expect.stringMatching(/set SESSION_SECRET/) });
    }
    expect((await without("revoke", "--user", "pat")).out).toBe("ended 1 session of pat\n");
    expect(await sessions.list("pat")).toEqual([]);
  });

  it("says of rows that another secret sealed that they are there", async () => {
    await signIn("ann", "Laptop");
    const { out, err } = await flagonIn(project(), ["sessions", "list", "ann"], {
      SESSION_STORE: url(),
      SESSION_SECRET: OTHER_SECRET,
    });
    expect(out).toBe("ann has no live session\n");
    expect(err).toBe("flagon: 1 more session cannot be opened with the secret that was given\n");
  });

  it("does not end a session that somebody has signed in to since", async () => {
    let id = "";
    const cookie = await visit(sessions, (session) => {
      session.set("cart", 1);
      id = session.id;
    });
    await visit(sessions, (session) => session.login("gus"), cookie);
    expect((await flagon("sessions", "revoke", id)).code).toBe(1);
    expect(await sessions.list("gus")).toHaveLength(1);
  });

  it("prunes and sets up", async () => {
    expect(await flagon("sessions", "setup")).toMatchObject({ code: 0, err: "" });
    expect(await flagon("sessions", "prune")).toMatchObject({ code: 0, err: "" });
  });

  it("ends sealed cookies early where the store is their revocations", async () => {
    const sealed = createSessions({ secret: SECRET, revocations: { store: make(), staleness: 0 } });
    const line = await visit(sealed, (session) => session.login("sam"));
    const cookie = line.split(";")[0] ?? "";
    expect((await flagon("inspect", cookie)).code).toBe(0);
    expect((await flagon("sessions", "revoke", "--sealed", "--user", "sam")).out).toMatch(
      /^ended every session of sam/,
    );
    const { code, out } = await flagon("inspect", cookie);
    expect({ code, refused: out.includes("✗ refused: ended") }).toEqual({ code: 1, refused: true });
  });
}

describe("an SQLite file", () => {
  const file = join(folder, "sessions.sqlite");
  everyStore(
    () => folder,
    () => file,
    () => sqliteStore(file),
  );

  it("that is not there is not made", async () => {
    const { code, err } = await flagonIn(folder, ["sessions", "list", "ada", "--store", "sqlite:nowhere.db"]);
    expect({ code, err }).toEqual({
      code: 2,
      err: `flagon: there is no SQLite file ${join(folder, "nowhere.db")}; flagon sessions setup makes one\n`,
    });
  });

  it("that is not there is made by setup, for its owner alone", async () => {
    writeFileSync(join(folder, "new.env"), "SESSION_STORE=new.db\n");
    const named = ["--dotenv", "new.env"];
    expect(await flagonIn(folder, ["sessions", "setup", ...named])).toMatchObject({ code: 0, err: "" });
    expect(statSync(join(folder, "new.db")).mode & 0o777).toBe(0o600);
    expect((await flagonIn(folder, ["sessions", "list", "ada", ...named])).out).toBe("ada has no live session\n");
  });

  it("is pruned of what has expired", async () => {
    const past = createSessions({ secret: SECRET, store: sqliteStore(file), now: () => Date.now() - 86_400_000 });
    await visit(past, (session) => session.login("old"));
    expect((await flagonIn(folder, ["sessions", "prune", "--store", file])).out).toBe("removed 1 expired row\n");
  });

  it("without its table is told to be set up, and is, when asked", async () => {
    const table = ["--store", file, "--table", "other"];
    expect((await flagonIn(folder, ["sessions", "list", "ada", ...table])).err).toMatch(/table "other" is missing/);
    expect((await flagonIn(folder, ["sessions", "setup", ...table])).out).toBe("the table is up to date\n");
    expect((await flagonIn(folder, ["sessions", "list", "ada", ...table])).code).toBe(0);
  });
});

describeWith("redis")("Redis", () => {
  let server: Server;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.url);
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  describe("through redis", () => {
    const project = projectWith("redis");
    everyStore(
      () => project,
      () => server.url,
      () => redisStore(client),
    );
  });

  it.each(["ioredis", "iovalkey"])("answers through %s as well", async (driver) => {
    const { out, code } = await flagonIn(projectWith(driver), ["sessions", "list", "dan", "--store", server.url]);
    expect({ code, out }).toEqual({ code: 0, out: "dan has no live session\n" });
  });

  it("that does not answer is said in one line, without the password", async () => {
    for (const driver of ["ioredis", "redis"]) {
      const url = "redis://ada:hunter22@127.0.0.1:1";
      const { code, out, err } = await flagonIn(projectWith(driver), ["sessions", "list", "ada", "--store", url]);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toMatch(
        /^flagon: others .* can see the password in --store.*\nflagon: the store did not answer: .*ECONNREFUSED.*\n$/,
      );
      expect(err).not.toContain("hunter22");
    }
  });
});

describeWith("redis")("a Redis Cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });

  it.each(["ioredis", "redis"])("is known by one of its nodes, through %s", async (driver) => {
    const { url } = cluster.nodes[0] ?? { url: "" };
    const client = new Redis.Cluster([url]);
    try {
      const sessions = createSessions({ secret: SECRET, store: redisStore(client) });
      const users = ["ada", "bob", "cy", "dan", "eve"].map((name) => `${name}-${driver}`);
      for (const user of users) await visit(sessions, (session) => session.login(user));
      const project = projectWith(driver);
      for (const user of users) {
        const { out, err } = await flagonIn(project, ["sessions", "revoke", "--user", user, "--store", url]);
        expect({ out, err }).toEqual({ out: `ended 1 session of ${user}\n`, err: "" });
        expect(await sessions.list(user)).toEqual([]);
      }
    } finally {
      client.disconnect();
    }
  });
});

describeWith("postgres")("PostgreSQL", () => {
  let server: Server;
  let pool: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ connectionString: server.url });
    pool.on("error", () => {}); // The server is stopped before its last connections have gone.
    await pool.query("DROP TABLE IF EXISTS flagon_sessions");
  });
  afterAll(async () => {
    await pool?.end();
    await server?.[Symbol.asyncDispose]();
  });

  it("without its table is told to be set up", async () => {
    const { code, err } = await flagonIn(projectWith("pg"), ["sessions", "list", "ada", "--store", server.url]);
    expect(code).toBe(2);
    expect(err).toMatch(/there is no table flagon_sessions/);
  });

  describe("through pg", () => {
    const project = projectWith("pg");
    everyStore(
      () => project,
      () => server.url,
      () => postgresStore(pool),
    );
  });

  it("answers through postgres.js as well", async () => {
    const args = ["sessions", "list", "dan", "--store", server.url];
    expect(await flagonIn(projectWith("postgres"), args)).toEqual({
      code: 0,
      out: "dan has no live session\n",
      err: "",
    });
  });
});

it.each([
  [["sessions"], /takes list, revoke, prune, setup/],
  [["sessions", "list", "ada"], /which store/],
  [["sessions", "list", "--store", "redis://127.0.0.1:1"], /needs ioredis or iovalkey or redis.*npm install ioredis/],
  [["sessions", "list", "ada", "--store", "postgres://127.0.0.1:1/x"], /needs pg or postgres.*npm install pg/],
  [["sessions", "revoke", "--store", import.meta.filename], /takes one session's id, or --user/],
  [["sesions"], /no command "sesions"/],
])("flagon %j is a usage error", async (args, message) => {
  const { code, out, err } = await flagonIn(folder, args);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(message);
});

it("an id that begins with a hyphen is taken for an id", async () => {
  const file = join(folder, "hyphen.sqlite");
  await sqliteStore(file).setup();
  const { code, err } = await flagonIn(folder, ["sessions", "revoke", "-bcdefghijklmnopqrstuAAAAAA", "--store", file]);
  expect(code).toBe(1);
  expect(err).toContain("no live session -bcdefghijklmnopqrstuAAAAAA");
});
