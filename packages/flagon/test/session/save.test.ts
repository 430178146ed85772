import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { createSessions, type Session, SessionError, type Sessions } from "flagon";
import { session as expressSession } from "flagon/express";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Browser, Clock, type Data, SECRET } from "../browser.ts";

let clock: Clock;
let stored: Sessions<Data>;
let visitor: AsyncBrowser;

beforeEach(() => {
  clock = new Clock();
  stored = createSessions<Data>({ secret: SECRET, store: memoryStore({ now: clock.now }), now: clock.now });
  visitor = new AsyncBrowser(stored);
});

const dropped = expect.objectContaining({ name: "SessionError", code: "session_conflict", status: 503 });

describe("in a store, save", () => {
  test("resolves when what was changed so far is stored: another request sees it before this one answers", async () => {
    await visitor.visit((session) => session.set("cart", ["tea"]));
    const session = await visitor.open();
    (session.get("cart") as string[]).push("milk");
    session.flash("Kept");
    await session.save();
    const other = await visitor.open();
    expect([other.get("cart"), other.flashes()]).toEqual([["tea", "milk"], [{ message: "Kept", category: "message" }]]);
  });

  test("what is changed after it goes with the commit, also inside what was handed out before", async () => {
    await visitor.visit((session) => session.set("cart", ["tea"]));
    await visitor.visit(async (session) => {
      const cart = session.get("cart") as string[];
      cart.push("milk");
      await session.save();
      cart.push("sugar");
      session.set("note", "by night");
    });
    const session = await visitor.open();
    expect(Object.fromEntries(session.entries())).toEqual({ cart: ["tea", "milk", "sugar"], note: "by night" });
  });

  test("a step of update that was stored is not counted again", async () => {
    await visitor.visit((session) => session.set("count", 0));
    const session = await visitor.open();
    session.update("count", (count) => Number(count) + 1);
    await session.save();
    await visitor.copy().visit((other) => other.update("count", (count) => Number(count) + 10));
    session.set("other", true);
    await visitor.answer(session);
    expect((await visitor.open()).get("count")).toBe(11);
  });

  test("where nothing was changed it stores nothing, and sets no cookie", async () => {
    await visitor.visit((session) => session.save());
    expect(visitor.setCookies).toEqual([]);
  });

  test("begins a session, whose cookie goes out with the response", async () => {
    await visitor.visit(async (session) => {
      session.set("a", 1);
      await session.save();
      expect(visitor.setCookies).toEqual([]);
    });
    expect(visitor.setCookies).toHaveLength(1);
    expect((await visitor.open()).get("a")).toBe(1);
  });

  const signals: [what: string, change: (session: Session<Data>) => void][] = [
    ["a login", (session) => session.login("ann")],
    ["rotate", (session) => session.rotate()],
  ];

  test.each(signals)(
    "after %s the new cookie goes out with the response, and the old one is dead",
    async (_, change) => {
      await visitor.visit((session) => session.set("a", 1));
      const before = visitor.copy();
      await visitor.visit(async (session) => {
        change(session);
        await session.save();
        expect(await before.isKnown()).toBe(false);
      });
      expect(visitor.setCookies).toHaveLength(1);
      expect(await visitor.isKnown()).toBe(true);
    },
  );

  test.each(signals)("after %s the cookie is not lost by what is changed and saved after it", async (_, change) => {
    await visitor.visit((session) => session.set("a", 1));
    await visitor.visit(async (session) => {
      change(session);
      await session.save();
      session.set("a", 2);
      await session.save();
      session.set("a", 3);
    });
    expect(visitor.setCookies).toHaveLength(1);
    expect((await visitor.open()).get("a")).toBe(3);
  });

  test.each(signals)(
    "after %s the cookie goes out with the error, when what is changed after it can't be stored",
    async (_, change) => {
      await visitor.visit((session) => session.set("a", 1));
      const session = await visitor.open();
      change(session);
      await session.save();
      session.set("essay", "x".repeat(2_000_001));
      const error = await Promise.resolve(stored.commit(session)).catch((failure: unknown) => failure);
      expect(error).toEqual(expect.objectContaining({ code: "session_too_large", status: 500 }));
      const [, value = ""] = /^[^=]+=([^;]+)/.exec((error as SessionError).headers["set-cookie"] ?? "") ?? [];
      visitor.cookies.set("__Host-Http-session", value);
      expect([await visitor.isKnown(), (await visitor.open()).get("a")]).toEqual([true, 1]);
    },
  );

  test("a sign-out that somebody else's sign-in was faster than rejects, with what was flashed", async () => {
    await visitor.visit((session) => session.set("a", 1));
    const session = await visitor.open();
    const other = visitor.copy();
    await other.visit((own) => own.login("bob"));
    session.logout();
    session.flash("Bye");
    await expect(session.save()).rejects.toEqual(dropped);
    await visitor.answer(session);
    expect(visitor.setCookies).toEqual([]);
    const bobs = await other.open();
    expect([bobs.userId, bobs.flashes()]).toEqual(["bob", []]);
  });

  test("after logout the cookie is deleted, and another begins with what is stored then", async () => {
    await visitor.visit((session) => session.login("ann"));
    const before = visitor.copy();
    await visitor.visit(async (session) => {
      session.logout();
      await session.save();
      expect(await before.isKnown()).toBe(false);
    });
    expect(visitor.setCookies).toEqual([expect.stringContaining("Max-Age=0")]);
    await visitor.visit((session) => session.login("ann"));
    await visitor.visit(async (session) => {
      session.logout();
      await session.save();
      session.flash("Bye");
    });
    const session = await visitor.open();
    expect([session.userId, session.flashes()]).toEqual([null, [{ message: "Bye", category: "message" }]]);
  });

  test("after destroy it resolves when the session is over", async () => {
    await visitor.visit((session) => session.login("ann"));
    const before = visitor.copy();
    const session = await visitor.open();
    session.destroy();
    await session.save();
    expect(await before.isKnown()).toBe(false);
    expect(() => session.set("a", 1)).toThrow(/destroy/);
    await visitor.answer(session);
    expect(visitor.setCookies).toEqual([expect.stringContaining("Max-Age=0")]);
  });

  test.each<[what: string, end: (session: Session<Data>) => unknown]>([
    ["signed out", (session) => session.logout()],
    ["destroyed", (session) => session.destroy()],
    ["revoked", (session) => stored.revoke(session.id)],
  ])("rejects when the session was %s meanwhile: what was changed is dropped", async (_, end) => {
    await visitor.visit((session) => session.login("ann"));
    const session = await visitor.open();
    await visitor.copy().visit(end);
    session.set("a", 1);
    await expect(session.save()).rejects.toEqual(dropped);
    await visitor.answer(session);
    expect(visitor.setCookies).toEqual([]);
    expect(await visitor.isKnown()).toBe(false);
  });

  test("a sign-in that came to a signed-out session rejects, and sets no cookie", async () => {
    await visitor.visit((session) => session.set("a", 1));
    const session = await visitor.open();
    await visitor.copy().visit((other) => other.logout());
    session.login("ann");
    await expect(session.save()).rejects.toEqual(dropped);
    await visitor.answer(session);
    expect(visitor.setCookies).toEqual([]);
  });

  test("a sign-in whose user was signed out everywhere meanwhile rejects with what to pass", async () => {
    const session = await visitor.open();
    session.login("ann");
    await stored.revokeUser("ann");
    await expect(session.save()).rejects.toThrow(/\{ except: session\.id \}/);
  });

  test("rejects while the store is away", async () => {
    const away = createSessions<Data>({
      secret: SECRET,
      store: { ...memoryStore(), create: () => Promise.reject(new Error("away")), read: async () => null },
    });
    await new AsyncBrowser(away).visit(async (session) => {
      session.set("a", 1);
      await expect(session.save()).rejects.toEqual(expect.objectContaining({ code: "store_unavailable" }));
      session.delete("a");
    });
  });

  test("whoever did not wait for it is waited for by the commit", async () => {
    await visitor.visit((session) => {
      session.set("a", 1);
      void session.save();
      session.set("b", 2);
      void session.save();
    });
    const session = await visitor.open();
    expect(Object.fromEntries(session.entries())).toEqual({ a: 1, b: 2 });
  });

  test("after the head it rejects", async () => {
    const session = await visitor.open();
    session.set("a", 1);
    await visitor.answer(session);
    await expect(session.save()).rejects.toThrow(TypeError);
    await expect(session.save()).rejects.toThrow(/after the response had started/);
  });
});

describe("sealed, save", () => {
  const browser = (options: object = {}): Browser => new Browser(createSessions<Data>({ secret: SECRET, ...options }));

  test("resolves, and the cookie goes with the head", async () => {
    const own = browser();
    const session = own.open();
    session.login("ann");
    await session.save();
    session.set("a", 1);
    const lines = await own.sessions.commit(session);
    expect(lines.filter(([name]) => name === "Set-Cookie")).toHaveLength(1);
  });

  test("checks the size, and names the largest keys", async () => {
    const session = browser().open();
    session.set("essay", "x".repeat(5_000));
    await expect(session.save()).rejects.toThrow(SessionError);
    await expect(session.save()).rejects.toThrow(/the largest keys are essay/);
  });

  test("checks the schema", async () => {
    const validate = (value: unknown) =>
      (value as Data).age === "old" ? { issues: [{ message: "no number", path: ["age"] }] } : { value: value as Data };
    const schema = { "~standard": { version: 1 as const, vendor: "test", validate } };
    const session = browser({ schema }).open();
    session.set("age", "old");
    await expect(session.save()).rejects.toThrow(/age: no number/);
    session.set("age", 42);
    await session.save();
  });

  test("after the head it rejects", async () => {
    const own = browser();
    const session = own.open();
    own.answer(session);
    await expect(session.save()).rejects.toThrow(/after the response had started/);
  });

  test("with revocations as well", async () => {
    const sessions = createSessions<Data>({ secret: SECRET, revocations: memoryStore() });
    const own = new AsyncBrowser(sessions);
    await own.visit(async (session) => {
      session.login("ann");
      await session.save();
    });
    expect(own.setCookies).toHaveLength(1);
  });
});

describe("after a save the cookie goes out with whatever response comes, an error's too", () => {
  test.each(["login", "rotate"] as const)("%s", async (change) => {
    const app = express().use(expressSession({ secret: SECRET, store: memoryStore() }));
    app.set("env", "test");
    app.post("/begin", (request, response) => {
      request.session.flash("Hello");
      response.end();
    });
    app.post("/fail", async (request) => {
      if (change === "login") request.session.login("ann");
      else request.session.rotate();
      await request.session.save();
      throw new Error("the e-mail could not be sent");
    });
    app.get("/", (request, response) => {
      response.json([request.session.isNew, request.session.userId]);
    });
    const server = createServer(app).listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    try {
      const cookie = cookieOf(await fetch(`${origin}/begin`, { method: "POST" }));
      const failed = await fetch(`${origin}/fail`, { method: "POST", headers: { cookie } });
      expect([failed.status, failed.headers.getSetCookie().length]).toEqual([500, 1]);
      const ask = async (own: string): Promise<unknown> => (await fetch(origin, { headers: { cookie: own } })).json();
      expect(await ask(cookieOf(failed))).toEqual([false, change === "login" ? "ann" : null]);
      expect(await ask(cookie)).toEqual([true, null]);
    } finally {
      server.close();
    }
  });
});
