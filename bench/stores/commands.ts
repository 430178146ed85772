/**
 * What each kind of request asks of Redis and PostgreSQL, as these count it themselves, beside express-session's stores:
 *
 *   node --conditions=flagon-source bench/stores/commands.ts
 *
 * Real Express apps over sockets. Redis tells by MONITOR, PostgreSQL by pg_stat_statements; what is waited for is counted
 * on the wire. Each request is made five times, after once that loads scripts, opens connections and prepares statements.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { table } from "../lib/stats.ts";
import { type App, IDLE_SECONDS, onPostgresApps, onRedisApps } from "./commands/apps.ts";
import { type Asked, type WatchedEngine, watchedPostgres, watchedRedis } from "./commands/engines.ts";

const TIMES = 5;

/** A browser. */
class Visitor {
  readonly origin: string;
  cookie: string | null = null;

  constructor(origin: string) {
    this.origin = origin;
  }

  async get(path: string): Promise<string> {
    const headers: Record<string, string> = this.cookie === null ? {} : { cookie: this.cookie };
    const response = await fetch(`${this.origin}${path}`, { headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    for (const line of response.headers.getSetCookie()) this.cookie = line.slice(0, line.indexOf(";"));
    return text;
  }
}

interface Row {
  readonly title: string;
  /** What happens before, uncounted. */
  readonly before?: (visitor: Visitor) => Promise<unknown>;
  readonly request: (visitor: Visitor) => Promise<unknown>;
  /** Only for a library that can end all sessions of a user. */
  readonly revokesUser?: boolean;
  /** What came of it. */
  readonly after?: (visitor: Visitor) => Promise<string>;
}

const known = (visitor: Visitor): Promise<string> => visitor.get("/change");
const signedIn = (visitor: Visitor): Promise<string> => visitor.get("/login?user=ada");
let users = 0;
const get =
  (path: string) =>
  (visitor: Visitor): Promise<string> =>
    visitor.get(path);

/** Gives the visitor a cookie that an attacker made of a good one. */
async function forge(visitor: Visitor, make: (value: string) => string): Promise<void> {
  await known(visitor);
  const [name = "", value = ""] = visitor.cookie?.split("=") ?? [];
  visitor.cookie = `${name}=${make(value)}`;
}

const rows: readonly Row[] = [
  { title: "no cookie, session not looked at", request: get("/untouched") },
  { title: "no cookie, session read", request: get("/read") },
  { title: "no cookie, something stored", request: get("/change") },
  { title: "cookie, session not looked at", before: known, request: get("/untouched") },
  { title: "cookie, session read", before: known, request: get("/read") },
  {
    title: "the same again, at once",
    before: async (visitor) => {
      await known(visitor);
      await visitor.get("/read");
    },
    request: get("/read"),
  },
  {
    title: "the same, a tenth of the idle time later",
    before: async (visitor) => {
      await known(visitor);
      await sleep(IDLE_SECONDS * 100 + 200);
    },
    request: get("/read"),
  },
  { title: "cookie, something changed", before: known, request: get("/change") },
  { title: "sign-in, no cookie before", request: signedIn },
  { title: "sign-in, with a cookie", before: known, request: signedIn },
  { title: "sign-in of another user, over somebody's session", before: signedIn, request: get("/login?user=bob") },
  { title: "new cookie (`rotate`, `regenerate`), signed in", before: signedIn, request: get("/rotate") },
  { title: "sign-out", before: signedIn, request: get("/logout") },
  {
    title: "the cookie of a session that was signed out",
    before: async (visitor) => {
      await signedIn(visitor);
      const { cookie } = visitor;
      await visitor.get("/logout");
      visitor.cookie = cookie;
    },
    request: get("/read"),
  },
  {
    title: "`revokeUser` of a user with three sessions",
    revokesUser: true,
    before: async ({ origin }) => {
      users++;
      for (let n = 0; n < 3; n++) await new Visitor(origin).get(`/login?user=${users}`);
    },
    request: (visitor) => visitor.get(`/revoke?user=${users}`),
  },
  { title: "garbage for a cookie", before: (visitor) => forge(visitor, () => "garbage"), request: get("/read") },
  {
    title: "a forged id",
    before: (visitor) => forge(visitor, (value) => value.replace(/[\w-]{8}/, "AAAAAAAA")),
    request: get("/read"),
  },
  {
    title: "two requests at once, each changing a key of its own",
    before: known,
    request: (visitor) => Promise.all(["a", "b"].map((key) => visitor.get(`/pair?key=${key}`))),
    after: async (visitor) => {
      const { a, b } = JSON.parse(await visitor.get("/read"));
      return a === 1 && b === 1 ? "both kept" : "one lost";
    },
  },
];

const scripts = new Set<string>();
const columns: string[][] = [];
const titles: string[] = [];
for (const [start, apps] of [
  [watchedRedis, onRedisApps],
  [watchedPostgres, onPostgresApps],
] as const) {
  const engine = await start();
  titles.push(engine.title);
  for (const make of apps) columns.push(await columnOf(engine, await make(engine.url)));
  await engine.stop();
}

const head = ["request", "Flagon, Redis", "connect-redis", "Flagon, PostgreSQL", "connect-pg-simple"];
const cells = rows.map(({ title }, n) => [title, ...columns.map((column) => column[n] ?? "")]);
const packages = ["express", "express-session", "connect-redis", "redis", "connect-pg-simple", "pg"];
const versions = packages.map((name) => `${name} ${versionOf(name)}`).join(", ");
console.log(`${table(head, cells)}\n\n${titles.join(", ")}, Node ${process.version.slice(1)}; ${versions}.`);
console.log(`\nWithin EVALSHA Redis carried out one of: ${[...scripts].join("; ")}.`);

async function columnOf(engine: WatchedEngine, { app, revokesUsers, close }: App): Promise<string[]> {
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const column: string[] = [];
  for (const row of rows) column.push(row.revokesUser && !revokesUsers ? "–" : await cellOf(engine, origin, row));
  server.closeAllConnections();
  server.close();
  await close();
  return column;
}

async function cellOf(engine: WatchedEngine, origin: string, { before, request, after }: Row): Promise<string> {
  const results = new Set<string>();
  for (let time = 0; time <= TIMES; time++) {
    const visitor = new Visitor(origin);
    await before?.(visitor);
    const asked = await engine.during(() => request(visitor));
    if (time === 0) continue;
    for (const script of asked.scripts) scripts.add(script);
    results.add([textOf(asked), ...(after ? [await after(visitor)] : [])].join("; "));
  }
  return [...results].join(" or ");
}

/** `3: GET ×2, EVALSHA`; with the round trips where those are not as many. */
function textOf({ commands, roundTrips }: Asked): string {
  if (commands.length === 0) return roundTrips === 0 ? "0" : `0 in ${roundTrips} round trips`;
  const times = new Map<string, number>();
  for (const name of commands) times.set(name, (times.get(name) ?? 0) + 1);
  const names = [...times].map(([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(", ");
  const trips = roundTrips === commands.length ? "" : ` in ${roundTrips} round trips`;
  return `${commands.length}${trips}: ${names}`;
}

function versionOf(name: string): string {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}
