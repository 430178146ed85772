import { storeCorrupt } from "../../errors.ts";

/** What a statement's parameter may be. Numbers are integers. */
export type PostgresValue = string | number | null | Uint8Array;

/** `Pool` and `Client` of pg, and drivers made in their shape. */
export interface PgClient {
  query(config: { name?: string; text: string; values: unknown[]; rowMode: "array" }): Promise<{ rows: unknown[] }>;
  query(text: string): Promise<unknown>;
}

/** PGlite: PostgreSQL inside the process. */
export interface PgliteClient {
  query(text: string, values: unknown[], options: { rowMode: "array" }): Promise<{ rows: unknown[] }>;
  exec(text: string): Promise<unknown>;
}

/** postgres.js's `sql`. */
export interface PostgresJsClient {
  unsafe(text: string, values: PostgresValue[], options: { prepare: boolean }): { values(): PromiseLike<unknown> };
  unsafe(text: string): PromiseLike<unknown>;
}

export type PostgresClient = PgClient | PgliteClient | PostgresJsClient;

/** The three as one. Rows come as arrays: a client may be told to rename columns, but not to move them. */
export interface Connection {
  /** `name` is for drivers that prepare by name, empty for what is asked once; the others prepare by the text, or not at all. */
  query(name: string, text: string, values: PostgresValue[]): Promise<unknown[][]>;
  /** Several statements in one text, which the server takes as one transaction. */
  script(text: string): Promise<void>;
}

/** Throws a `TypeError` for anything that is none of the three. */
export function connectionOf(client: PostgresClient, prepare: boolean): Connection {
  if (isPostgresJs(client)) {
    return {
      query: async (_name, text, values) => rowsOf(await client.unsafe(text, values, { prepare }).values()),
      script: async (text) => void (await client.unsafe(text)),
    };
  }
  if (isPglite(client)) {
    return {
      query: async (_name, text, values) => rowsOf((await client.query(text, values, { rowMode: "array" })).rows),
      script: async (text) => void (await client.exec(text)),
    };
  }
  if (isPg(client)) {
    return {
      query: async (name, text, values) => {
        const statement = prepare ? { name, text, values } : { text, values };
        return rowsOf((await client.query({ ...statement, rowMode: "array" })).rows);
      },
      script: async (text) => void (await client.query(text)),
    };
  }
  if (typeof client === "function" && "transaction" in client) {
    throw new TypeError("postgresStore: this is the neon() function of @neondatabase/serverless; pass its Pool");
  }
  throw new TypeError("postgresStore: pass a Pool or Client of pg, a PGlite, or the sql function of postgres.js");
}

function isPostgresJs(client: unknown): client is PostgresJsClient {
  return typeof client === "function" && "unsafe" in client && "begin" in client;
}

function isPglite(client: unknown): client is PgliteClient {
  return isPg(client) && "exec" in client && typeof client.exec === "function";
}

function isPg(client: unknown): client is PgClient {
  return typeof client === "object" && client !== null && "query" in client && typeof client.query === "function";
}

function rowsOf(rows: unknown): unknown[][] {
  if (Array.isArray(rows) && rows.every((row) => Array.isArray(row))) return rows;
  throw storeCorrupt("the session store holds rows in a form that this driver was not asked for");
}
