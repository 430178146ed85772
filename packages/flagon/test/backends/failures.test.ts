import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import express from "express";
import { createSessions, type SessionError, type SessionOptions, type Sessions, type Store } from "flagon";
import { session as expressSession } from "flagon/express";
import { session as honoSession, type SessionEnv } from "flagon/hono";
import { memoryStore } from "flagon/memory";
import { session as nodeSession } from "flagon/node";
import { sqliteStore } from "flagon/sqlite";
import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AsyncBrowser, Clock, type Data, MINUTE, SECOND, SECRET } from "../browser.ts";

/** A store that can be made to fail in each way in which a server does. */
class Troubled implements Store {
  readonly #inner: Store;
  /** What a command does instead of its work; null when all is well. */
  trouble: (() => unknown) | null = null;
  /** Only these commands are troubled; all of them when it is null. */
  only: readonly (keyof Store)[] | null = null;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  read: Store["read"] = (id) => this.#run("read", () => this.#inner.read(id));
  create: Store["create"] = (session) => this.#run("create", () => this.#inner.create(session));
  replace: Store["replace"] = (session, version) => this.#run("replace", () => this.#inner.replace(session, version));
  touch: Store["touch"] = (id, clocks) => this.#run("touch", () => this.#inner.touch(id, clocks));
  delete: Store["delete"] = (id) => this.#run("delete", () => this.#inner.delete(id));
  list: Store["list"] = (userId) => this.#run("list", () => this.#inner.list(userId));
  deleteExpired: Store["deleteExpired"] = (now) => this.#run("deleteExpired", () => this.#inner.deleteExpired(now));

  #run<Answer>(command: keyof Store, work: () => Promise<Answer>): Promise<Answer> {
    if (this.trouble === null || this.only?.includes(command) === false) return work();
    // Garbage has no type.
    return this.trouble() as Promise<Answer>;
  }
}

const refused = (): Promise<never> => Promise.reject(new Error("connect ECONNREFUSED"));
const hanging = (): Promise<never> => new Promise(() => {});

let clock: Clock;
let store: Troubled;

type Make = () => Partial<SessionOptions<Data>>;
const places: [title: string, make: Make][] = [
  ["a store", () => ({ store })],
  ["revocations", () => ({ revocations: { store, staleness: 0 } })],
];

beforeEach(() => {
  clock = new Clock();
  store = new Troubled(memoryStore({ now: clock.now }));
});

describe.each(places)("%s that fails", (title, make) => {
  let sessions: Sessions<Data>;
  let visitor: AsyncBrowser;

  beforeEach(async () => {
    sessions = createSessions<Data>({ secret: SECRET, now: clock.now, ...make() });
    visitor = new AsyncBrowser(sessions);
    await visitor.visit((session) => session.login("u"));
  });

  type Case = [what: string, code: SessionError["code"], trouble: () => unknown];
  const garbage: [what: string, trouble: () => unknown][] = [
    ["undefined", () => Promise.resolve(undefined)],
    ["a number", () => Promise.resolve(7)],
    ["an empty object", () => Promise.resolve({})],
    ["text in place of bytes", () => Promise.resolve({ ...anyRow, data: "text" })],
    ["no version", () => Promise.resolve({ ...anyRow, version: "1" })],
    ["a clock that is none", () => Promise.resolve({ ...anyRow, expiresAt: Number.NaN })],
    ["the session of somebody else", () => Promise.resolve(anyRow)],
  ];

  test.each<Case>([
    ["rejects", "store_unavailable", refused],
    [
      "throws",
      "store_unavailable",
      () => {
        throw new TypeError("client is closed");
      },
    ],
    ...garbage.map(([what, trouble]): Case => [`answers ${what}`, "store_corrupt", trouble]),
  ])("because it %s: the first look throws %s", async (_what, code, trouble) => {
    store.trouble = trouble;
    const session = await visitor.open();
    const expected = expect.objectContaining({ code, status: 503, headers: { "retry-after": "5" } });
    for (const look of [() => session.get("n"), () => session.userId, () => session.set("n", 1), () => session.isNew]) {
      expect(look).toThrow(expected);
    }
  });

  test("has its own error for a cause, and no secret in its message", async () => {
    store.trouble = refused;
    const session = await visitor.open();
    const error: unknown = await Promise.resolve()
      .then(() => session.get("n"))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ cause: expect.objectContaining({ message: "connect ECONNREFUSED" }) });
    expect(String(error)).not.toContain([...visitor.cookies.values()][0]);
  });

  test("fails nobody who does not look, and leaves the cookie alone", async () => {
    store.trouble = refused;
    await visitor.visit(() => {});
    expect(visitor.lines).toEqual([]);
  });

  test("makes nobody anonymous: afterwards all is as before", async () => {
    store.trouble = refused;
    await expect(visitor.visit((session) => session.userId)).rejects.toThrow();
    store.trouble = null;
    expect(await visitor.visit((session) => session.userId)).toBe("u");
  });

  test("at the commit fails the commit, and the cookie is left alone", async () => {
    const before = new Map(visitor.cookies);
    const changes = [
      (session: Awaited<ReturnType<AsyncBrowser["open"]>>) => session.set("n", 1),
      (session: Awaited<ReturnType<AsyncBrowser["open"]>>) => session.rotate(),
      (session: Awaited<ReturnType<AsyncBrowser["open"]>>) => session.logout(),
    ];
    for (const change of changes) {
      const session = await visitor.open();
      change(session);
      store.trouble = refused;
      await expect(visitor.answer(session)).rejects.toMatchObject({ code: "store_unavailable", status: 503 });
      store.trouble = null;
      expect(visitor.cookies).toEqual(before);
      expect(await visitor.visit((own) => own.userId)).toBe("u");
    }
  });

  test("fails revoke and revokeUser, so that nobody takes a session for ended", async () => {
    const { id } = await visitor.open();
    store.trouble = refused;
    await expect(sessions.revoke(id)).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(sessions.revokeUser("u")).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(sessions.prune()).rejects.toMatchObject({ code: "store_unavailable" });
    if (title === "a store") await expect(sessions.list("u")).rejects.toMatchObject({ code: "store_unavailable" });
  });

  describe("to answer", () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test("within two seconds: the first look throws store_timeout", async () => {
      store.trouble = hanging;
      const opening = visitor.open();
      await vi.advanceTimersByTimeAsync(1_999);
      expect(await Promise.race([opening, Promise.resolve("waiting")])).toBe("waiting");
      await vi.advanceTimersByTimeAsync(1);
      const session = await opening;
      expect(() => session.userId).toThrow(expect.objectContaining({ code: "store_timeout", status: 503 }));
    });

    test("within the time that was given", async () => {
      const patient = visitor.copy(
        createSessions<Data>({ secret: SECRET, storeTimeout: "5s", now: clock.now, ...make() }),
      );
      store.trouble = hanging;
      const opening = patient.open();
      await vi.advanceTimersByTimeAsync(5_000);
      const session = await opening;
      expect(() => session.userId).toThrow(/5000 ms/);
    });

    test("and a late answer changes nothing any more", async () => {
      let answer: (row: null) => void = () => {};
      store.trouble = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      const opening = visitor.open();
      await vi.advanceTimersByTimeAsync(2_000);
      const session = await opening;
      answer(null);
      expect(() => session.userId).toThrow(expect.objectContaining({ code: "store_timeout" }));
    });
  });
});

const anyRow = {
  id: "AAAAAAAAAAAAAAAAAAAAAA",
  version: 1,
  userId: null,
  device: null,
  createdAt: 0,
  lastSeenAt: 0,
  expiresAt: Number.MAX_SAFE_INTEGER,
  data: new Uint8Array(8),
};

describe("a store's answers about lists and writes", () => {
  test.each<[command: keyof Store, answer: unknown]>([
    ["list", undefined],
    ["list", { length: 1 }],
    ["list", [{}]],
    ["list", [{ ...anyRow, userId: "v" }]],
    ["list", [anyRow]],
    ["replace", undefined],
    ["replace", 1],
  ])("%s answering %j is store_corrupt", async (command, answer) => {
    const sessions = createSessions<Data>({ secret: SECRET, now: clock.now, store });
    const visitor = new AsyncBrowser(sessions);
    await visitor.visit((session) => session.login("u"));
    store.only = [command];
    store.trouble = () => Promise.resolve(answer);
    const attempt =
      command === "list" ? sessions.list("u") : visitor.visit((session) => void session.set("n", Math.random()));
    await expect(attempt).rejects.toMatchObject({ code: "store_corrupt" });
  });
});

test("revokeUser does not wait anew for each of a hundred sessions when the store gives no answer", async () => {
  const sessions = createSessions<Data>({ secret: SECRET, now: clock.now, store });
  for (let n = 0; n < 100; n++) await new AsyncBrowser(sessions).visit((session) => session.login("u"));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    store.only = ["replace"];
    store.trouble = hanging;
    const answer = Promise.allSettled([sessions.revokeUser("u")]);
    await vi.advanceTimersByTimeAsync(2_000);
    const waiting = Promise.resolve("waiting");
    expect(await Promise.race([answer, waiting])).toMatchObject([{ reason: { code: "store_timeout" } }]);
  } finally {
    vi.useRealTimers();
  }
});

test("fifty changes that wait for one that got no answer hear of it at once, not each after two seconds more", async () => {
  const sessions = createSessions<Data>({ secret: SECRET, now: clock.now, store });
  const visitor = new AsyncBrowser(sessions);
  await visitor.visit((session) => session.set("n", 1));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const open = await Promise.all(Array.from({ length: 50 }, () => visitor.open()));
    store.trouble = hanging;
    const answers = open.map(async (session, n) => {
      session.set("n", n + 2);
      return sessions.commit(session);
    });
    const settled = Promise.allSettled(answers);
    await vi.advanceTimersByTimeAsync(2_000);
    for (const result of await settled) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "store_timeout" } });
    }
  } finally {
    vi.useRealTimers();
  }
  store.trouble = null;
  await visitor.visit((session) => session.set("n", 0));
  expect(await visitor.visit((session) => session.get("n"))).toBe(0);
});

describe("through an adapter", () => {
  let sessions: Sessions<Data>;

  beforeEach(() => {
    sessions = createSessions<Data>({ secret: SECRET, store });
  });

  async function listen(listener: RequestListener): Promise<Server> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }

  const adapters: [name: string, serve: () => Promise<Server>][] = [
    [
      "node:http",
      () =>
        listen(
          nodeSession<Data>(sessions, (request, response) => {
            if (request.url === "/health") response.end("fine");
            else response.end(String(request.session.update("n", (n) => Number(n ?? 0) + 1)));
          }),
        ),
    ],
    [
      "Express",
      () => {
        const app = express();
        app.use(expressSession(sessions));
        app.get("/health", (_request, response) => void response.send("fine"));
        app.get("/", (request, response) => {
          response.send(String(request.session.update("n", (n) => Number(n ?? 0) + 1)));
        });
        return listen(app);
      },
    ],
    [
      "Hono",
      async () => {
        const app = new Hono<SessionEnv>();
        app.use(honoSession(sessions));
        app.get("/health", (c) => c.text("fine"));
        app.get("/", (c) => c.text(String(c.get("session").update("n", (n) => Number(n ?? 0) + 1))));
        const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as Server;
        await once(server, "listening");
        return server;
      },
    ],
  ];

  test.each(adapters)("%s: 503 with Retry-After and the cookie left alone, then on as before", async (_name, start) => {
    const server = await start();
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const first = await fetch(`${origin}/`);
      const cookie = (first.headers.getSetCookie()[0] ?? "").split(";")[0] ?? "";
      expect(await first.text()).toBe("1");
      for (const commands of [null, ["replace"]] as const) {
        store.only = commands;
        store.trouble = refused;
        const failed = await fetch(`${origin}/`, { headers: { cookie } });
        expect([failed.status, failed.headers.get("retry-after")]).toEqual([503, "5"]);
        expect(failed.headers.getSetCookie()).toEqual([]);
        await failed.arrayBuffer();
        const health = await fetch(`${origin}/health`, { headers: { cookie } });
        expect([health.status, await health.text()]).toEqual([200, "fine"]);
        store.trouble = null;
      }
      const after = await fetch(`${origin}/`, { headers: { cookie } });
      expect([after.status, await after.text()]).toEqual([200, "2"]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

test("a store that was not set up: a process warning says what to do, once, and no client hears of it", async () => {
  vi.stubEnv("NODE_ENV", "production");
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const unready = sqliteStore(":memory:");
  const sessions = createSessions<Data>({ secret: SECRET, store: unready });
  const good = createSessions<Data>({ secret: SECRET, store });
  const visitor = new AsyncBrowser(good);
  try {
    await visitor.visit((session) => session.set("n", 1));
    for (let n = 0; n < 2; n++) {
      const session = await visitor.copy(sessions).open();
      let failure: unknown;
      try {
        session.get("n");
      } catch (error) {
        failure = error;
      }
      expect(failure).toMatchObject({ code: "store_unavailable", expose: false, cause: expect.any(TypeError) });
      expect(String(failure)).not.toContain("flagon_sessions");
    }
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining("await store.setup()"), { type: "FlagonWarning", code: "FLAGON_STORE" }],
    ]);
  } finally {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    unready.close();
  }
});

test("a process's clock may be five seconds off another's, and no more", async () => {
  const ahead = createSessions<Data>({ secret: SECRET, store, now: () => clock.time + 5 * SECOND });
  const farAhead = createSessions<Data>({ secret: SECRET, store, now: () => clock.time + MINUTE });
  const here = createSessions<Data>({ secret: SECRET, store, now: clock.now });
  for (const [sessions, isKnown] of [
    [ahead, true],
    [farAhead, false],
  ] as const) {
    const visitor = new AsyncBrowser(sessions);
    await visitor.visit((session) => session.set("n", 1));
    expect(await visitor.copy(here).isKnown()).toBe(isKnown);
  }
});
