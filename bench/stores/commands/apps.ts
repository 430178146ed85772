import connectPgSimple from "connect-pg-simple";
import { RedisStore } from "connect-redis";
import express, { type Express, type Request, type RequestHandler } from "express";
import expressSession from "express-session";
import { createSessions, type Store } from "flagon";
import { session } from "flagon/express";
import { postgresStore } from "flagon/postgres";
import { redisStore } from "flagon/redis";
import pg from "pg";
import { createClient, type RedisClientType } from "redis";

export const IDLE_SECONDS = 30;
const secret = "hT7-qLw2_Zr9mXc4VbN8sKd3FgJ6yPa1";

/** An app whose sessions are in an engine. */
export interface App {
  readonly app: Express;
  /** Whether its library can end all sessions of a user: express-session's stores know no users. */
  readonly revokesUsers: boolean;
  close(): Promise<unknown>;
}

/** What an app's handlers do with a session, in the words of its library. */
interface Habits {
  read(request: Request): unknown;
  change(request: Request, key: string): void;
  login(request: Request, userId: string): void | Promise<void>;
  logout(request: Request): void | Promise<void>;
  rotate(request: Request): void | Promise<void>;
  revokeUser?(userId: string): Promise<void>;
}

function appOf(sessions: RequestHandler, habits: Habits): Express {
  const app = express();
  let waiting: (() => void)[] = [];
  app.use(sessions);
  app.get("/untouched", (_request, response) => void response.send("ok"));
  app.get("/read", (request, response) => void response.json(habits.read(request)));
  app.get("/change", (request, response) => {
    habits.change(request, "count");
    response.send("ok");
  });
  // Both of a pair have read the session before either changes it.
  app.get("/pair", async (request, response) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length < 2) return;
      for (const go of waiting) go();
      waiting = [];
    });
    habits.change(request, String(request.query.key));
    response.send("ok");
  });
  app.get("/login", async (request, response) => {
    await habits.login(request, String(request.query.user));
    response.send("ok");
  });
  app.get("/revoke", async (request, response) => {
    await habits.revokeUser?.(String(request.query.user));
    response.send("ok");
  });
  for (const act of ["logout", "rotate"] as const) {
    app.get(`/${act}`, async (request, response) => {
      await habits[act](request);
      response.send("ok");
    });
  }
  return app;
}

function flagonOn(store: Store): Express {
  const sessions = createSessions({ secret, store, lifetime: { idle: IDLE_SECONDS, absolute: "12h" } });
  return appOf(session(sessions), {
    read: (request) => Object.fromEntries(request.session.entries()),
    change: (request, key) => void request.session.update(key, (count) => Number(count ?? 0) + 1),
    login: (request, userId) => void request.session.login(userId),
    logout: (request) => void request.session.logout(),
    rotate: (request) => void request.session.rotate(),
    revokeUser: (userId) => sessions.revokeUser(userId),
  });
}

interface Bag {
  [key: string]: unknown;
  regenerate(done: Done): void;
  destroy(done: Done): void;
  save(done: Done): void;
}
type Done = (error?: unknown) => void;

function until(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
}

/** express-session as its README has it, with the options that spare the store most. */
function expressSessionOn(store: object): Express {
  const cookie = { maxAge: IDLE_SECONDS * 1000 };
  const sessions = expressSession({ secret, store, resave: false, saveUninitialized: false, cookie });
  const bagOf = (request: Request): Bag => request.session as unknown as Bag;
  const keysOf = (request: Request): object => {
    const { cookie: _cookie, ...data } = bagOf(request);
    return data;
  };
  return appOf(sessions, {
    read: keysOf,
    change: (request, key) => {
      bagOf(request)[key] = Number(bagOf(request)[key] ?? 0) + 1;
    },
    login: async (request, userId) => {
      await until((done) => bagOf(request).regenerate(done));
      bagOf(request).userId = userId;
      await until((done) => bagOf(request).save(done));
    },
    logout: (request) => until((done) => bagOf(request).destroy(done)),
    rotate: async (request) => {
      const data = keysOf(request);
      await until((done) => bagOf(request).regenerate(done));
      Object.assign(bagOf(request), data);
      await until((done) => bagOf(request).save(done));
    },
  });
}

async function onRedis(url: string, revokesUsers: boolean, make: (client: RedisClientType) => Express): Promise<App> {
  const client: RedisClientType = createClient({ url });
  await client.connect();
  return { app: make(client), revokesUsers, close: async () => client.destroy() };
}

/** All connections are there before anything is counted. */
async function poolAt(connectionString: string): Promise<pg.Pool> {
  const max = 4;
  const pool = new pg.Pool({ connectionString, max, min: max, idleTimeoutMillis: 0 });
  const clients = await Promise.all(Array.from({ length: max }, () => pool.connect()));
  for (const client of clients) client.release();
  return pool;
}

export const onRedisApps: readonly ((url: string) => Promise<App>)[] = [
  (url) => onRedis(url, true, (client) => flagonOn(redisStore(client))),
  (url) => onRedis(url, false, (client) => expressSessionOn(new RedisStore({ client }))),
];

export const onPostgresApps: readonly ((url: string) => Promise<App>)[] = [
  async (url) => {
    const pool = await poolAt(url);
    const store = postgresStore(pool);
    await store.setup();
    return { app: flagonOn(store), revokesUsers: true, close: () => pool.end() };
  },
  async (url) => {
    const pool = await poolAt(url);
    const PgStore = connectPgSimple(expressSession);
    const store = new PgStore({ pool, createTableIfMissing: true, pruneSessionInterval: false });
    const close = async (): Promise<void> => {
      await store.close();
      await pool.end();
    };
    return { app: expressSessionOn(store), revokesUsers: false, close };
  },
];
