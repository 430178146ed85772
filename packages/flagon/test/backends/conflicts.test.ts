import { createSessions, SessionError, type Sessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, SECRET } from "../browser.ts";
import { CountedStore } from "./counted-store.ts";
import { heard } from "./events.ts";

/*
 * Two requests of one visitor at once. `first` and `second` are the same browser before two processes with one store, so
 * that nothing but the store is between them.
 */
let clock: Clock;
let store: Store;
let sessions: Sessions<Data>;
let first: AsyncBrowser;
let second: AsyncBrowser;

function processOver(engine: Store): Sessions<Data> {
  return createSessions<Data>({ secret: SECRET, store: engine, now: clock.now });
}

beforeEach(async () => {
  clock = new Clock();
  store = memoryStore({ now: clock.now });
  sessions = processOver(store);
  first = new AsyncBrowser(sessions);
  await first.visit((session) => {
    session.set("kept", 1);
    session.set("count", 10);
    session.set("cart", { tea: 1 });
    session.flash("old");
  });
  second = first.copy(processOver(store));
});

type Change = Parameters<AsyncBrowser["visit"]>[0];

/** Both open, then the first one commits, then the second. Resolves all that is stored afterwards. */
async function both(change: Change, laterChange: Change): Promise<{ data: Data; flashes: string[] }> {
  const [one, two] = [await first.open(), await second.open()];
  change(one);
  laterChange(two);
  await first.answer(one);
  await second.answer(two);
  const session = await first.open();
  const data = Object.fromEntries(session.entries());
  return { data, flashes: session.flashes().map(({ message }) => message) };
}

function put(cart: unknown, what: string): void {
  (cart as Data)[what] = 1;
}

const makePermanent: Change = (session) => {
  session.permanent = true;
};

const loaded = { kept: 1, count: 10, cart: { tea: 1 } };

describe("of two requests at once", () => {
  test.each<[title: string, change: Change, later: Change, data: Data, flashes?: string[]]>([
    [
      "each sets a key of its own: both are there",
      (s) => s.set("a", 1),
      (s) => s.set("b", 2),
      { ...loaded, a: 1, b: 2 },
    ],
    ["both set one key: the later commit wins", (s) => s.set("a", 1), (s) => s.set("a", 2), { ...loaded, a: 2 }],
    [
      "one deletes a key, the other sets another",
      (s) => s.delete("kept"),
      (s) => s.set("b", 2),
      { count: 10, cart: { tea: 1 }, b: 2 },
    ],
    [
      "one sets a key that the other deletes: the later commit wins",
      (s) => s.set("kept", 2),
      (s) => s.delete("kept"),
      { count: 10, cart: { tea: 1 } },
    ],
    [
      "one deletes a key that the other sets: the later commit wins",
      (s) => s.delete("kept"),
      (s) => s.set("kept", 2),
      { ...loaded, kept: 2 },
    ],
    [
      "both update one key: each step counts",
      (s) => s.update("count", (n) => Number(n) + 1),
      (s) => s.update("count", (n) => Number(n) + 5),
      { ...loaded, count: 16 },
    ],
    [
      "an update over a set: the step runs over what was set",
      (s) => s.set("count", 100),
      (s) => s.update("count", (n) => Number(n) + 1),
      { ...loaded, count: 101 },
    ],
    [
      "several updates of one key run again in their order",
      (s) => s.set("count", 100),
      (s) => {
        s.update("count", (n) => Number(n) + 1);
        s.update("count", (n) => Number(n) * 2);
      },
      { ...loaded, count: 202 },
    ],
    [
      "an update of what this request has set itself rests on that alone",
      (s) => s.set("count", 100),
      (s) => {
        s.set("count", 1);
        s.update("count", (n) => Number(n) + 1);
      },
      { ...loaded, count: 2 },
    ],
    ["one clears and the other had set a key before: cleared", (s) => s.set("a", 1), (s) => s.clear(), {}, ["old"]],
    [
      "one clears and the other sets a key afterwards: that key is there",
      (s) => s.clear(),
      (s) => s.set("a", 1),
      { a: 1 },
      ["old"],
    ],
    [
      "one clears and sets, the other sets: what the later one did not touch is gone",
      (s) => s.set("a", 1),
      (s) => {
        s.clear();
        s.set("b", 2);
      },
      { b: 2 },
      ["old"],
    ],
    [
      "objects are never merged inside: the later commit's stands whole",
      (s) => put(s.get("cart"), "milk"),
      (s) => put(s.get("cart"), "sugar"),
      { ...loaded, cart: { tea: 1, sugar: 1 } },
    ],
    [
      "one changes an object inside, the other sets another key",
      (s) => put(s.get("cart"), "milk"),
      (s) => s.set("b", 2),
      { ...loaded, cart: { tea: 1, milk: 1 }, b: 2 },
    ],
    [
      "an object that was changed in place and then updated keeps the change",
      (s) => s.set("a", 1),
      (s) => {
        (s.get("cart") as Data).milk = 1;
        s.update("cart", (cart) => ({ ...(cart as Data), sugar: 1 }));
      },
      { ...loaded, a: 1, cart: { tea: 1, milk: 1, sugar: 1 } },
    ],
    [
      "both flash: both messages wait, in the order of the commits",
      (s) => s.flash("one"),
      (s) => s.flash("two"),
      loaded,
      ["old", "one", "two"],
    ],
    [
      "one reads the flashes while the other adds one: the new one waits",
      (s) => s.flash("one"),
      (s) => void s.flashes(),
      loaded,
      ["one"],
    ],
    ["both read the flashes: none waits", (s) => void s.flashes(), (s) => void s.flashes(), loaded, []],
    [
      "a key named __proto__ is a key like any other",
      (s) => s.set("__proto__", 1),
      (s) => s.set("b", 2),
      Object.fromEntries([...Object.entries(loaded), ["__proto__", 1], ["b", 2]]),
    ],
    ["one makes the session permanent, the other sets a key", makePermanent, (s) => s.set("b", 2), { ...loaded, b: 2 }],
  ])("%s", async (_title, change, later, data, flashes = ["old"]) => {
    expect(await both(change, later)).toEqual({ data, flashes });
  });

  test("one makes the session permanent, the other's commit does not undo it", async () => {
    await both(makePermanent, (s) => s.set("b", 2));
    expect((await first.open()).permanent).toBe(true);
  });

  test("a step that throws over the newer value fails the commit, and nothing of it is stored", async () => {
    const [one, two] = [await first.open(), await second.open()];
    one.set("count", "ten");
    two.set("b", 2);
    two.update("count", (n) => {
      if (typeof n !== "number") throw new RangeError("no number");
      return n + 1;
    });
    await first.answer(one);
    await expect(second.answer(two)).rejects.toThrow(RangeError);
    expect((await first.open()).has("b")).toBe(false);
  });
});

describe("flagon:conflict", () => {
  test("tells once, and which keys, when both set the same key", async () => {
    const events = await heard("flagon:conflict", () =>
      both(
        (s) => s.set("a", 1).set("b", 1).set("c", 1),
        (s) => s.set("a", 2).set("c", 2).set("d", 2),
      ),
    );
    expect(events).toEqual([{ id: (await first.open()).id, reason: "same_key", keys: ["a", "c"] }]);
  });

  test("is silent for different keys, for updates, and for the same value", async () => {
    const events = await heard("flagon:conflict", async () => {
      await both(
        (s) => s.set("a", 1),
        (s) => s.set("b", 1),
      );
      await both(
        (s) => s.update("count", (n) => Number(n) + 1),
        (s) => s.update("count", (n) => Number(n) + 1),
      );
    });
    expect(events).toEqual([]);
  });

  test("tells that changes were dropped because the session was over", async () => {
    const slow = await second.open();
    slow.set("b", 2);
    const { id } = slow;
    await first.visit((session) => session.logout());
    expect(await heard("flagon:conflict", () => second.answer(slow))).toEqual([{ id, reason: "ended" }]);
    expect(second.lines.filter(([name]) => name === "Set-Cookie")).toEqual([]);
  });
});

describe("many requests at once", () => {
  async function fifty(visitors: readonly AsyncBrowser[]): Promise<Data> {
    await Promise.all(
      visitors.map((visitor, n) =>
        visitor.visit((session) => {
          session.set(`key${n}`, n);
          session.update("count", (count) => Number(count) + 1);
        }),
      ),
    );
    return Object.fromEntries((await first.open()).entries());
  }
  const expected = {
    ...loaded,
    count: 60,
    ...Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key${n}`, n])),
  };

  test("in one process lose nothing, and wait for each other instead of trying over and over", async () => {
    const counted = new CountedStore(store);
    const one = processOver(counted);
    expect(await fifty(Array.from({ length: 50 }, () => first.copy(one)))).toEqual(expected);
    // Each reads; the first one writes at once, each other one is refused once, looks again and writes.
    const times = (name: string): number => counted.commands.filter((command) => command === name).length;
    expect([times("replace"), times("read")]).toEqual([50 + 49, 50 + 49]);
  });

  test("in ten processes lose nothing", async () => {
    const processes = Array.from({ length: 10 }, () => processOver(store));
    const visitors = Array.from({ length: 50 }, (_, n) => first.copy(processes[n % 10] as Sessions<Data>));
    expect(await fifty(visitors)).toEqual(expected);
  });
});

test("a commit that always loses gives up after a bounded number of tries, with session_conflict", async () => {
  const counted = new CountedStore({ ...store, replace: async () => false });
  const unlucky = first.copy(processOver(counted));
  const failure = await unlucky.visit((session) => session.set("a", 1)).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SessionError);
  expect(failure).toMatchObject({ code: "session_conflict", status: 503, headers: { "retry-after": "5" } });
  expect(counted.commands.filter((command) => command === "replace")).toHaveLength(30);
  expect(unlucky.cookies).toEqual(first.cookies);
});

test("a write that the client sent twice because its connection broke is known again, and counts once", async () => {
  let isBroken = true;
  const twice: Store = {
    ...store,
    async replace(session, version) {
      const answer = await store.replace(session, version);
      if (!isBroken) return answer;
      isBroken = false;
      return store.replace(session, version);
    },
  };
  const visitor = first.copy(processOver(twice));
  await visitor.visit((session) => session.update("count", (n) => Number(n) + 1));
  expect((await first.open()).get("count")).toBe(11);
  isBroken = true;
  await visitor.visit((session) => session.rotate());
  expect(await visitor.visit((session) => session.get("count"))).toBe(11);
});

test("a create that the client sent twice is known again", async () => {
  const twice: Store = {
    ...store,
    async create(session) {
      await store.create(session);
      await store.create(session);
    },
  };
  const visitor = new AsyncBrowser(processOver(twice));
  await visitor.visit((session) => session.set("a", 1));
  expect(await visitor.visit((session) => session.get("a"))).toBe(1);
});
