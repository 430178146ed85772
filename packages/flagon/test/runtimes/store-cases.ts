import { deepStrictEqual, rejects, strictEqual } from "node:assert";
import { createSessions, type Sessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { type SqliteStore, sqliteStore } from "flagon/sqlite";
import { storeConformance } from "flagon/testing";
import { requestOf, SECRET } from "../browser.ts";
import type { Case, World } from "./suite.ts";

export function storeCases({ sqlitePath }: World): Case[] {
  const memory = [...storeConformance(({ now }) => memoryStore({ now })), ...storedSessionCases(() => memoryStore())];
  return [
    ...memory.map(({ name, run }) => ({ name: `memory: ${name}`, run })),
    ...(sqlitePath === null ? [withoutSqlite] : sqliteCases(sqlitePath)),
  ];
}

/** Older Nodes and Workers have none of their own; there one can still pass a driver's. */
const withoutSqlite: Case = {
  name: "sqlite: a path is a TypeError that says what to pass",
  run: () => rejects(async () => sqliteStore("sessions.db").read("x"), /this runtime has no SQLite of its own/),
};

function sqliteCases(newPath: () => string): Case[] {
  const opened: SqliteStore[] = [];
  const closeAll = (): void => {
    for (const store of opened.splice(0)) store.close();
  };
  const make = (now?: () => number): SqliteStore => {
    const store = sqliteStore(newPath(), { synchronous: "normal", ...(now && { now }) });
    opened.push(store);
    return store;
  };
  return [...storeConformance(({ now }) => make(now)), ...storedSessionCases(() => make())].map(({ name, run }) => ({
    name: `sqlite: ${name}`,
    run: async () => {
      try {
        await run();
      } finally {
        closeAll();
      }
    },
  }));
}

function storedSessionCases(make: () => Store): Case[] {
  return [
    {
      name: "fifty requests that each change their own key at once: fifty keys survive",
      run: async () => {
        const sessions = createSessions<Record<string, unknown>>({ secret: SECRET, store: make() });
        const cookie = await visit(sessions, "", (session) => session.set("first", true));
        const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`);
        await Promise.all(keys.map((key) => visit(sessions, cookie, (session) => session.set(key, key))));
        let found: string[] = [];
        await visit(sessions, cookie, (session) => {
          found = session.keys();
        });
        deepStrictEqual(found.sort(), ["first", ...keys].sort());
      },
    },
    {
      name: "a slow request in flight at logout does not bring the session back",
      run: async () => {
        const sessions = createSessions<Record<string, unknown>>({ secret: SECRET, store: make() });
        const cookie = await visit(sessions, "", (session) => session.login("ada"));
        const slow = await sessions.open(requestOf({ cookie }));
        slow.set("late", 1);
        await visit(sessions, cookie, (session) => session.logout());
        await sessions.commit(slow);
        strictEqual((await sessions.open(requestOf({ cookie }))).userId, null);
        deepStrictEqual(await sessions.list("ada"), []);
      },
    },
    {
      name: "a sealed cookie is ended early by revocations",
      run: async () => {
        const revocations = { store: make(), staleness: 0 as const };
        const sessions = createSessions<Record<string, unknown>>({ secret: SECRET, revocations });
        const cookie = await visit(sessions, "", (session) => session.login("ada"));
        strictEqual((await sessions.open(requestOf({ cookie }))).userId, "ada");
        await sessions.revokeUser("ada");
        strictEqual((await sessions.open(requestOf({ cookie }))).userId, null);
      },
    },
  ];
}

type AnySessions = Sessions<Record<string, unknown>>;

/** One request; resolves the cookie that the browser has after it. */
async function visit(
  sessions: AnySessions,
  cookie: string,
  handle: (session: Awaited<ReturnType<AnySessions["open"]>>) => unknown,
): Promise<string> {
  const session = await sessions.open(requestOf(cookie === "" ? {} : { cookie }));
  handle(session);
  const lines = await sessions.commit(session);
  return lines.find(([name]) => name === "Set-Cookie")?.[1].split(";")[0] ?? cookie;
}
