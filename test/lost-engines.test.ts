import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { programsOf } from "./support/programs.ts";
import { describeWith } from "./support/services/describe-with.ts";
import { type Server, startPostgres, startRedis } from "./support/services/index.ts";

const folder = mkdtempSync(join(tmpdir(), "flagon-lost-engines-"));
const secret = "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY";

/** An app on the sessions of `./sessions.ts`, as the pages show them; its listeners are theirs alone. */
const app = `
import { createServer } from "node:http";
import { session } from "flagon/node";
import { sessions } from "./sessions.ts";

const server = createServer(session(sessions, (request, response) => {
  response.end(String(request.session.update("visits", (count) => Number(count ?? 0) + 1)));
}));
server.listen(0, "127.0.0.1", () => process.send?.(server.address().port));
process.on("disconnect", () => process.exit());
`;

const onPool = `
import { createSessions } from "flagon";
import { postgresStore } from "flagon/postgres";
import { openPool } from "./pg.ts";

const store = postgresStore(openPool(process.env.DATABASE_URL ?? ""));
await store.setup();
export const sessions = createSessions({ secret: process.env.SESSION_SECRET, store });
`;

const onSharedConnection = `
import { createSessions } from "flagon";
import { store } from "./store.ts";

export const sessions = createSessions({ secret: process.env.SESSION_SECRET, store });
`;

const storesPage = new Map(programsOf("docs/stores.md"));
/** The guide shows it to the byte: next-copies.test.ts. */
const guidesStore = readFileSync(
  join(import.meta.dirname, "../packages/flagon/test/adapters/apps/next-copies/redis-store.ts"),
  "utf8",
);

interface Example {
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly variable: string;
  readonly start: () => Promise<Server>;
}

const examples: Record<string, Example> = {
  "the first example of docs/stores.md": {
    files: { "sessions.ts": storesPage.get("sessions.ts") },
    variable: "REDIS_URL",
    start: () => startRedis({ own: true, persistent: true }),
  },
  "the guide's shared connection of ioredis": {
    files: { "store.ts": guidesStore, "sessions.ts": onSharedConnection },
    variable: "REDIS_URL",
    start: () => startRedis({ own: true, persistent: true }),
  },
  "the Pool of docs/stores.md": {
    files: { "pg.ts": storesPage.get("pg.ts"), "sessions.ts": onPool },
    variable: "DATABASE_URL",
    start: () => startPostgres({ own: true }),
  },
};

beforeAll(() => symlinkSync(join(import.meta.dirname, "../node_modules"), join(folder, "node_modules")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWith("redis", "postgres")("an app whose engine is stopped and started again", () => {
  test.each(Object.entries(examples))(
    "lives on, answers 503 meanwhile, and keeps its sessions: %s",
    async (name, { files, variable, start }) => {
      const engine = await start();
      const place = mkdtempSync(join(folder, "app-"));
      writeFileSync(join(place, "package.json"), '{"type":"module"}');
      for (const [file, code] of Object.entries({ ...files, "app.ts": app })) {
        if (code === undefined) throw new Error(`${name} is not there any more: ${file}`);
        writeFileSync(join(place, file), code);
      }
      const child = fork(join(place, "app.ts"), {
        execArgv: ["--conditions=flagon-source"],
        env: { ...process.env, NODE_ENV: "production", SESSION_SECRET: secret, [variable]: engine.url },
        silent: true,
      });
      try {
        const origin = `http://127.0.0.1:${await portOf(child)}/`;
        const ask = (cookie = ""): Promise<Response> => fetch(origin, { headers: { cookie } });
        const first = await ask();
        expect([first.status, await first.text()]).toEqual([200, "1"]);
        const cookie = first.headers.getSetCookie()[0]?.split(";")[0] ?? "";
        await engine.kill9();
        for (let n = 0; n < 3; n += 1) {
          const down = await ask(cookie);
          expect([down.status, down.headers.get("retry-after"), down.headers.getSetCookie()]).toEqual([503, "5", []]);
        }
        await engine.restart();
        await expect.poll(async () => (await ask(cookie)).status, { timeout: 20_000 }).toBe(200);
        expect(Number(await (await ask(cookie)).text())).toBeGreaterThanOrEqual(3);
        expect([child.exitCode, child.signalCode]).toEqual([null, null]);
      } finally {
        child.kill();
        await engine.stop();
      }
    },
    90_000,
  );
});

/** Rejects with what the app has printed when it ends instead of listening. */
async function portOf(child: ChildProcess): Promise<unknown> {
  const errors: string[] = [];
  child.stderr?.on("data", (data) => errors.push(String(data)));
  const ended = once(child, "exit").then(() => Promise.reject(new Error(errors.join(""))));
  const [port] = (await Promise.race([once(child, "message"), ended])) as unknown[];
  ended.catch(() => {});
  return port;
}
