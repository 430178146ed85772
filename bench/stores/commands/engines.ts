import pg from "pg";
import { createClient, type RedisClientType } from "redis";
import { startPostgres, startRedis } from "../../../test/support/services/index.ts";
import { tapped } from "./wire.ts";

/** What an engine was asked for. */
export interface Asked {
  /** The commands that came from clients. */
  readonly commands: readonly string[];
  /** For each script among them, what it did. */
  readonly scripts: readonly string[];
  /** How often somebody waited for an answer. */
  readonly roundTrips: number;
}

/** An engine that says what it carried out. */
export interface WatchedEngine {
  readonly title: string;
  /** Where apps reach it: over a wire that is watched. */
  readonly url: string;
  during(work: () => Promise<unknown>): Promise<Asked>;
  stop(): Promise<void>;
}

/** A request may have something left to ask for after its answer. */
const AFTERWARDS_MS = 30;

/** Counts what MONITOR shows: every command that Redis carried out. */
export async function watchedRedis(): Promise<WatchedEngine> {
  const server = await startRedis();
  const control: RedisClientType = createClient({ url: server.url });
  const monitor: RedisClientType = createClient({ url: server.url });
  await Promise.all([control.connect(), monitor.connect()]);
  let lines: string[] = [];
  let told: () => void = () => {};
  await monitor.monitor((line) => {
    lines.push(String(line));
    told();
  });
  const wire = await tapped(server.port);
  return {
    title: `Redis ${/redis_version:(\S+)/.exec(await control.info("server"))?.[1]}`,
    url: `redis://127.0.0.1:${wire.port}`,
    async during(work) {
      const until = async (mark: string): Promise<string[]> => {
        await control.echo(mark);
        const isMark = (line: string): boolean => line.includes(`"${mark}"`);
        while (!lines.some(isMark)) {
          await new Promise<void>((resolve) => {
            told = resolve;
          });
        }
        const before = lines.slice(0, lines.findIndex(isMark));
        lines = [];
        return before;
      };
      await until("begin");
      const roundTrips = await wire.during(work, AFTERWARDS_MS);
      return { ...commandsOf(await until("end")), roundTrips };
    },
    async stop() {
      control.destroy();
      monitor.destroy();
      await wire.close();
      await server.stop();
    },
  };
}

/** `1339518083.107412 [0 127.0.0.1:60866] "get" "key"`, or `[0 lua]` for what a script does. */
function commandsOf(lines: readonly string[]): Pick<Asked, "commands" | "scripts"> {
  const commands: { name: string; within: string[] }[] = [];
  for (const line of lines) {
    const [, source = "", name = ""] = /^\S+ \[\d+ ([^\]]*)\] "([^"]*)"/.exec(line) ?? [];
    if (source === "lua") commands.at(-1)?.within.push(name.toUpperCase());
    else commands.push({ name: name.toUpperCase(), within: [] });
  }
  return {
    commands: commands.map(({ name }) => name),
    scripts: commands.filter(({ within }) => within.length > 0).map(({ within }) => within.join(", ")),
  };
}

/** Counts what pg_stat_statements has: every statement that PostgreSQL carried out. Debian's `postgresql` brings it along. */
export async function watchedPostgres(): Promise<WatchedEngine> {
  const settings = { shared_preload_libraries: "pg_stat_statements", "pg_stat_statements.track": "all" };
  const server = await startPostgres({ own: true, settings });
  const control = new pg.Client(server.url);
  await control.connect();
  await control.query("CREATE EXTENSION pg_stat_statements");
  const wire = await tapped(server.port);
  const url = new URL(server.url);
  url.port = String(wire.port);
  return {
    title: `PostgreSQL ${(await control.query("SHOW server_version")).rows[0].server_version.split(" ")[0]}`,
    url: url.href,
    async during(work) {
      await control.query("SELECT pg_stat_statements_reset()");
      const roundTrips = await wire.during(work, AFTERWARDS_MS);
      const { rows } = await control.query<{ query: string; calls: string }>(
        "SELECT query, calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY query",
      );
      const commands = rows.flatMap(({ query, calls }) => {
        const verbs = query.match(/\b(SELECT|INSERT|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK)\b/i);
        return Array.from({ length: Number(calls) }, () => verbs?.[0].toUpperCase() ?? query);
      });
      commands.sort((a, b) => order.indexOf(a) - order.indexOf(b));
      return { commands, scripts: [], roundTrips };
    },
    async stop() {
      await control.end();
      await wire.close();
      await server.stop();
    },
  };
}

const order = ["SELECT", "INSERT", "UPDATE", "DELETE"];
