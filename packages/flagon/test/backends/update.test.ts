import { DatabaseSync } from "node:sqlite";
import { createSessions, type Session, type Sessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { sqliteStore } from "flagon/sqlite";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, DAY, type Data, HOUR, MINUTE, OTHER_SECRET, SECRET } from "../browser.ts";
import { CountedStore } from "./counted-store.ts";

const engines: [name: string, make: (clock: Clock) => Promise<Store>][] = [
  ["memory", async ({ now }) => memoryStore({ now })],
  [
    "SQLite",
    async ({ now }) => {
      const store = sqliteStore(new DatabaseSync(":memory:"), { now });
      await store.setup();
      return store;
    },
  ],
];

describe.each(engines)("sessions.update, in %s", (_, make) => {
  let clock: Clock;
  let store: CountedStore;
  let sessions: Sessions<Data>;
  let visitor: AsyncBrowser;
  let id: string;

  beforeEach(async () => {
    clock = new Clock();
    store = new CountedStore(await make(clock));
    sessions = createSessions<Data>({ secret: SECRET, store, now: clock.now });
    visitor = new AsyncBrowser(sessions);
    id = await visitor.visit((session) => {
      session.login("ann");
      session.set("count", 1);
      return session.id;
    });
    store.taken();
  });

  const add = (session: Session<Data>): void => void session.update("count", (count) => Number(count) + 1);
  const data = async (): Promise<Data> => Object.fromEntries((await visitor.open()).entries());

  test("changes a session outside its requests: one read, one compare-and-set, and the browser's cookie still opens it", async () => {
    const isStored = await sessions.update(id, (session) => {
      add(session);
      session.set("note", "from a socket").flash("Your file is ready");
      expect([session.userId, session.id, session.isNew]).toEqual(["ann", id, false]);
    });
    expect([isStored, store.taken()]).toEqual([true, ["read", "replace"]]);
    const session = await visitor.open();
    expect([session.userId, session.id, session.flashes()]).toEqual([
      "ann",
      id,
      [{ message: "Your file is ready", category: "message" }],
    ]);
    expect(Object.fromEntries(session.entries())).toEqual({ count: 2, note: "from a socket" });
  });

  test("a value that is changed inside is stored", async () => {
    await sessions.update(id, (session) => session.set("cart", ["tea"]));
    await sessions.update(id, (session) => void (session.get("cart") as string[]).push("milk"));
    expect(await data()).toEqual({ count: 1, cart: ["tea", "milk"] });
  });

  test("where nothing is changed nothing is written, and it resolves true", async () => {
    expect(await sessions.update(id, (session) => void session.get("count"))).toBe(true);
    expect(await sessions.update(id, () => {})).toBe(true);
    expect(store.taken()).toEqual(["read", "read"]);
  });

  test("runs again over the newer session where a request was faster: neither loses a key", async () => {
    const other = new AsyncBrowser(createSessions<Data>({ secret: SECRET, store, now: clock.now }));
    for (const [name, value] of visitor.cookies) other.cookies.set(name, value);
    const replace = store.replace;
    let isFirst = true;
    store.replace = async (...given) => {
      if (isFirst) {
        isFirst = false;
        await other.visit((session) => session.set("mine", true).update("count", (count) => Number(count) + 10));
      }
      return replace(...given);
    };
    let runs = 0;
    expect(
      await sessions.update(id, (session) => {
        runs++;
        add(session);
      }),
    ).toBe(true);
    expect([runs, await data()]).toEqual([2, { count: 12, mine: true }]);
  });

  test("ten at once: ten counts", async () => {
    const other = createSessions<Data>({ secret: SECRET, store, now: clock.now });
    const all = Array.from({ length: 10 }, (_each, n) => (n % 2 ? sessions : other).update(id, add));
    expect(await Promise.all(all)).toEqual(new Array(10).fill(true));
    expect(await data()).toEqual({ count: 11 });
  });

  test("a request that is under way lays its changes over it", async () => {
    const session = await visitor.open();
    session.set("mine", true);
    await sessions.update(id, add);
    await visitor.answer(session);
    expect(await data()).toEqual({ count: 2, mine: true });
  });

  test.each<[what: string, end: () => unknown]>([
    ["signed out", () => visitor.visit((session) => session.logout())],
    ["revoked", () => sessions.revoke(id)],
    ["over with its user", () => sessions.revokeUser("ann")],
    ["idle for too long", () => clock.pass(HOUR)],
    ["past its absolute end", () => clock.pass(DAY)],
  ])("resolves false for a session that is %s, and does not call for a change", async (_what, end) => {
    await end();
    store.taken();
    let runs = 0;
    expect(await sessions.update(id, () => void runs++)).toBe(false);
    expect([runs, store.taken().includes("create")]).toEqual([0, false]);
    expect(await visitor.isKnown()).toBe(false);
  });

  test("resolves false when the session ends while it is under way, and it stays ended", async () => {
    const replace = store.replace;
    store.replace = async (...given) => {
      store.replace = replace;
      await sessions.revoke(id).catch(() => {});
      return replace(...given);
    };
    const other = createSessions<Data>({ secret: SECRET, store, now: clock.now });
    expect(await other.update(id, add)).toBe(false);
    expect(await visitor.isKnown()).toBe(false);
  });

  test("resolves false when somebody has signed in since: a visitor's socket changes nothing of a user's session", async () => {
    const guest = new AsyncBrowser(sessions);
    const guestId = await guest.visit((session) => session.set("a", 1).id);
    await guest.visit((session) => session.login("bob"));
    expect(await sessions.update(guestId, add)).toBe(false);
    expect((await guest.open()).has("count")).toBe(false);
  });

  test("the id stays good through rotate and another sign-in of the same user", async () => {
    await visitor.visit((session) => session.rotate());
    await visitor.visit((session) => session.login("ann"));
    expect(await sessions.update(id, add)).toBe(true);
    expect(await data()).toEqual({ count: 2 });
  });

  test("resolves false for what is no id, for an unknown one, and under another secret", async () => {
    for (const text of ["", "x", "a".repeat(27), "a".repeat(22), "user:ann", "../x", undefined as never]) {
      expect(await sessions.update(text, add)).toBe(false);
    }
    const other = createSessions<Data>({ secret: OTHER_SECRET, store, now: clock.now });
    expect(await other.update(id, add)).toBe(false);
  });

  test.each<[what: string, change: (session: Session<Data>) => void]>([
    ["login", (session) => session.login("bob")],
    ["login of the same user", (session) => session.login("ann")],
    ["rotate", (session) => session.rotate()],
    ["logout", (session) => session.logout()],
    ["destroy", (session) => session.destroy()],
    [
      "permanent",
      (session) => {
        session.permanent = true;
      },
    ],
  ])("%s in it is a TypeError, since no browser would learn of it, and nothing is changed", async (_what, change) => {
    const asked = sessions.update(id, (session) => {
      session.set("count", 9);
      change(session);
    });
    await expect(asked).rejects.toThrow(TypeError);
    await expect(asked).rejects.toThrow(/no browser would learn of it/);
    expect((await visitor.open()).userId).toBe("ann");
    expect(await data()).toEqual({ count: 1 });
  });

  test("an asynchronous change is a TypeError, and what a change throws comes out as it is", async () => {
    const later = async (session: Session<Data>): Promise<void> => void session.set("count", 9);
    await expect(sessions.update(id, later)).rejects.toThrow(/has to be synchronous/);
    await expect(
      sessions.update(id, () => {
        throw new RangeError("the handler's own");
      }),
    ).rejects.toThrow(RangeError);
    expect(await data()).toEqual({ count: 1 });
  });

  test("the session that change was given can be changed no more afterwards", async () => {
    let kept: Session<Data> | undefined;
    await sessions.update(id, (session) => {
      kept = session;
    });
    expect(() => kept?.set("count", 9)).toThrow(TypeError);
  });

  test("is no visit: what goes on in the background keeps nobody signed in", async () => {
    clock.pass(20 * MINUTE);
    expect(await sessions.update(id, add)).toBe(true);
    expect((await sessions.list("ann"))[0]?.lastSeenAt).toBe(clock.time - 20 * MINUTE);
    clock.pass(20 * MINUTE);
    expect(await visitor.isKnown()).toBe(false);
  });

  test("with renew it counts as a visit, changed or not", async () => {
    for (const change of [add, () => {}]) {
      clock.pass(20 * MINUTE);
      expect(await sessions.update(id, change, { renew: true })).toBe(true);
      expect((await sessions.list("ann"))[0]?.lastSeenAt).toBe(clock.time);
    }
    expect(await visitor.isKnown()).toBe(true);
    expect(await data()).toEqual({ count: 2 });
  });

  test("no visit takes a session past its absolute end", async () => {
    const end = clock.time + 12 * HOUR;
    while (clock.time + 25 * MINUTE < end) {
      clock.pass(25 * MINUTE);
      expect(await sessions.update(id, add, { renew: true })).toBe(true);
    }
    clock.pass(25 * MINUTE);
    expect(await sessions.update(id, add, { renew: true })).toBe(false);
  });
});

test.each<[name: string, options: object]>([
  ["sealed", {}],
  ["sealed with revocations", { revocations: memoryStore() }],
])("sessions.update, %s: a TypeError that says what to pass", async (_, options) => {
  const sessions = createSessions<Data>({ secret: SECRET, ...options });
  await expect(sessions.update("a".repeat(27), () => {})).rejects.toThrow(TypeError);
  await expect(sessions.update("a".repeat(27), () => {})).rejects.toThrow(/createSessions\(\{ store \}\)/);
});
