import { closeSync, existsSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Store } from "../../store.ts";
import type { PostgresClient } from "../../stores/postgres.ts";
import type { SqliteDatabase } from "../../stores/sqlite.ts";
import { type Terminal, UsageError } from "../terminal.ts";
import { connectRedis } from "./redis.ts";

export interface OpenStore {
  readonly store: Store;
  /** Makes the table; null where there is nothing to make. */
  readonly setup: (() => Promise<void>) | null;
  /** Whether rows go by themselves when their time is over. */
  readonly expiresByItself: boolean;
  close(): Promise<void>;
}

export interface StoreChoice {
  readonly store?: string | undefined;
  readonly table?: string | undefined;
  readonly prefix?: string | undefined;
}

const CONNECT_MS = 5_000;

/**
 * The store behind a URL, with the driver that the project in the working directory has. Null when none was named, on the
 * command line or in SESSION_STORE. Nothing is created in it: a mistyped URL must not leave a table behind. `isSetUp`: an SQLite
 * file that is not there yet is made, for its owner alone.
 */
export async function openStore(
  choice: StoreChoice,
  terminal: Terminal,
  isSetUp: boolean = false,
): Promise<OpenStore | null> {
  const url = choice.store ?? terminal.env.SESSION_STORE;
  if (url === undefined || url === "") return null;
  if (passwordIn(choice.store) !== "") {
    terminal.err("flagon: others on this machine can see the password in --store; set SESSION_STORE, or --dotenv\n");
  }
  const scheme = /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase();
  // As a deployed app: the stores make their tables by themselves in development only.
  Object.assign(process.env, { NODE_ENV: "production" });
  try {
    switch (scheme) {
      case "redis":
      case "rediss":
      case "valkey":
      case "valkeys":
        return await openRedis(url.replace(/^valkey/i, "redis"), choice, terminal);
      case "postgres":
      case "postgresql":
        return await openPostgres(url, choice, terminal);
      case undefined:
      case "sqlite":
      case "file":
        return await openSqlite(url, choice, terminal, isSetUp);
      default:
        throw new UsageError(`--store can't be a ${scheme}: URL; it is redis://, postgres:// or an SQLite file`);
    }
  } catch (error) {
    throw error instanceof UsageError ? error : storeFailed(error, url);
  }
}

/** What the store's driver says, without the password that the URL may hold. */
export function storeFailed(error: unknown, url: string): UsageError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const errors = cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors[0] : cause;
  const message = errors instanceof Error ? errors.message || errors.name : String(errors);
  return new UsageError(`the store did not answer: ${withoutPassword(message, url)}`);
}

function withoutPassword(message: string, url: string): string {
  const raw = passwordIn(url);
  const spellings = [raw, decoded(raw)].filter((text) => text !== "");
  return spellings.reduce((text, password) => text.replaceAll(password, "***"), message);
}

function passwordIn(url = ""): string {
  return /^[a-z]+:\/\/[^/@]*:([^@]*)@/i.exec(url)?.[1] ?? "";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function openRedis(url: string, { prefix }: StoreChoice, terminal: Terminal): Promise<OpenStore> {
  const { redisStore } = await import("../../stores/redis.ts");
  const { name, driver } = drivers(["ioredis", "iovalkey", "redis"], "Redis", terminal);
  const { client, close } = await connectRedis(name, driver, url, CONNECT_MS);
  const store = redisStore(client, prefix === undefined ? {} : { prefix });
  return { store, setup: null, expiresByItself: true, close };
}

async function openPostgres(url: string, { table }: StoreChoice, terminal: Terminal): Promise<OpenStore> {
  const { postgresStore } = await import("../../stores/postgres.ts");
  const { name, driver } = drivers(["pg", "postgres"], "PostgreSQL", terminal);
  const { client, close } = name === "pg" ? await pg(driver, url) : postgresJs(driver, url);
  const store = postgresStore(client, table === undefined ? {} : { table });
  return { store, setup: () => store.setup(), expiresByItself: false, close };
}

interface Pg {
  Client: new (options: object) => PostgresClient & { connect(): Promise<void>; end(): Promise<void> };
}

async function pg(driver: unknown, url: string): Promise<{ client: PostgresClient; close(): Promise<void> }> {
  const { Client } = driver as Pg;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS });
  await client.connect();
  return { client, close: () => client.end() };
}

function postgresJs(driver: unknown, url: string): { client: PostgresClient; close(): Promise<void> } {
  const connect = driver as (url: string, options: object) => PostgresClient & { end(): Promise<void> };
  const client = connect(url, { max: 1, connect_timeout: CONNECT_MS / 1_000, onnotice: () => {} });
  return { client, close: () => client.end() };
}

async function openSqlite(
  url: string,
  { table }: StoreChoice,
  terminal: Terminal,
  isSetUp: boolean,
): Promise<OpenStore> {
  const path = pathOf(url, terminal.cwd);
  if (!existsSync(path)) {
    if (!isSetUp) throw new UsageError(`there is no SQLite file ${path}; flagon sessions setup makes one`);
    closeSync(openSync(path, "ax", 0o600));
  }
  const { sqliteStore } = await import("../../stores/sqlite.ts");
  const options = table === undefined ? {} : { table };
  const hasOwn = quietly(() => process.getBuiltinModule("node:sqlite") !== undefined);
  if (hasOwn) {
    const store = sqliteStore(path, options);
    return { store, setup: () => store.setup(), expiresByItself: false, close: async () => store.close() };
  }
  const { driver } = drivers(["better-sqlite3"], "SQLite on this Node", terminal);
  const Database = driver as new (path: string) => SqliteDatabase & { close(): void };
  const database = new Database(path);
  const store = sqliteStore(database, options);
  return { store, setup: () => store.setup(), expiresByItself: false, close: async () => database.close() };
}

function pathOf(url: string, cwd: string): string {
  if (/^file:\/\//i.test(url)) return fileURLToPath(url);
  return resolve(cwd, url.replace(/^(?:sqlite|file):(?:\/\/)?/i, ""));
}

/** Node 22 warns that its SQLite is an experiment, in the middle of what a person reads. */
function quietly<Result>(load: () => Result): Result {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The first of these packages that the project has. */
function drivers(names: readonly string[], what: string, terminal: Terminal): { name: string; driver: unknown } {
  const require = createRequire(join(terminal.cwd, "package.json"));
  for (const name of names) {
    try {
      require.resolve(name);
    } catch {
      continue;
    }
    return { name, driver: require(name) };
  }
  throw new UsageError(
    `for ${what} this needs ${names.join(" or ")} in the project: npm install ${names[0]}, or run it there`,
  );
}
