import { deepStrictEqual } from "node:assert/strict";
import { createSessions, type Session } from "flagon";
import { describe, expect, test } from "vitest";
import { oddKeys } from "../arbitraries.ts";
import { Browser, type Data, SECRET } from "../browser.ts";

/** A browser whose session holds this already. */
function browserWith(data: Data = {}): Browser<Data> {
  const browser = new Browser(createSessions<Data>({ secret: SECRET }));
  browser.visit((session) => {
    for (const [key, value] of Object.entries(data)) session.set(key, value);
  });
  return browser;
}

describe("get, set, has, delete and pop", () => {
  test("keep values from one request to the next", () => {
    const browser = browserWith({ name: "ann", count: 0, none: null });
    const session = browser.open();
    expect(session.get("name")).toBe("ann");
    expect(session.get("count")).toBe(0);
    expect(session.get("none")).toBeNull();
    expect(session.get("other")).toBeUndefined();
    expect([session.has("name"), session.has("none"), session.has("other")]).toEqual([true, true, false]);
  });

  test("show within the request what was set and deleted in it", () => {
    browserWith({ a: 1, b: 2 }).visit((session) => {
      expect(session.set("c", 3)).toBe(session);
      session.set("a", 10);
      expect(session.delete("b")).toBe(true);
      expect(session.delete("b")).toBe(false);
      expect(session.get("a")).toBe(10);
      expect(session.get("b")).toBeUndefined();
      expect(session.has("b")).toBe(false);
      expect(session.keys()).toEqual(["a", "c"]);
      expect(session.size).toBe(2);
      expect(session.entries()).toEqual([
        ["a", 10],
        ["c", 3],
      ]);
    });
  });

  test("delete says whether the key was there, and a deleted key stays away", () => {
    const browser = browserWith({ a: 1, b: 2 });
    expect(browser.visit((session) => session.delete("a"))).toBe(true);
    expect(browser.open().keys()).toEqual(["b"]);
  });

  test("pop returns the value, and the key is gone afterwards", () => {
    const browser = browserWith({ a: { deep: [1] }, b: null, c: undefined });
    expect(browser.visit((session) => session.pop("a"))).toEqual({ deep: [1] });
    expect(browser.visit((session) => session.pop("a"))).toBeUndefined();
    expect(browser.visit((session) => session.pop("b"))).toBeNull();
    expect(browser.visit((session) => session.pop("c"))).toBeUndefined();
    expect(browser.open().keys()).toEqual([]);
  });

  test("keep undefined as a value, which is not the same as none", () => {
    const browser = browserWith({ a: undefined });
    expect(browser.open().has("a")).toBe(true);
    expect(browser.open().get("a")).toBeUndefined();
    expect(browser.open().size).toBe(1);
  });

  test("find nothing that was not stored: an object's own names are no keys", () => {
    const session = browserWith({ a: 1 }).open();
    for (const key of oddKeys) {
      expect(session.get(key)).toBeUndefined();
      expect(session.has(key)).toBe(false);
      expect(session.delete(key)).toBe(false);
      expect(session.pop(key)).toBeUndefined();
    }
    expect(session.keys()).toEqual(["a"]);
  });

  test.each(oddKeys)("keep %j as a key like any other", (key) => {
    const browser = browserWith();
    browser.visit((session) => session.set(key, { [key]: 1 }));
    expect(browser.open().has(key)).toBe(true);
    deepStrictEqual(browser.open().get(key), { [key]: 1 });
    expect(browser.open().keys()).toEqual([key]);
    browser.visit((session) => session.update(key, () => 2));
    expect(browser.open().get(key)).toBe(2);
    expect(browser.visit((session) => session.pop(key))).toBe(2);
    expect(browser.open().has(key)).toBe(false);
    expect(Reflect.get({}, key)).toBe(Reflect.get(Object.prototype, key, {}));
  });
});

describe("a change in place", () => {
  test.each<[what: string, change: (session: Session<Data>) => unknown, expected: Data]>([
    ["of a list", (session) => (session.get("list") as number[]).push(3), { list: [1, 2, 3] }],
    ["of an object", (session) => Object.assign(session.get("object") as object, { b: 2 }), { object: { a: 1, b: 2 } }],
    [
      "deep inside",
      (session) => (session.get("deep") as [[{ a: number[] }]])[0][0].a.push(2),
      { deep: [[{ a: [1, 2] }]] },
    ],
    [
      "of a map",
      (session) => (session.get("map") as Map<string, number>).set("b", 2),
      { map: new Map(Object.entries({ a: 1, b: 2 })) },
    ],
    ["of a set", (session) => (session.get("set") as Set<number>).delete(1), { set: new Set() }],
    ["of a date", (session) => (session.get("date") as Date).setTime(9), { date: new Date(9) }],
    ["of bytes", (session) => (session.get("bytes") as Uint8Array).fill(7), { bytes: new Uint8Array([7, 7]) }],
    [
      "to undefined",
      (session) => Object.assign(session.get("object") as object, { a: undefined }),
      { object: { a: undefined } },
    ],
    [
      "through entries",
      (session) => (Object.fromEntries(session.entries()).list as number[]).push(3),
      { list: [1, 2, 3] },
    ],
    ["after set", (session) => (session.set("list", [5]).get("list") as number[]).push(6), { list: [5, 6] }],
    [
      "of what update returned",
      (session) => (session.update("list", (list) => list) as number[]).push(3),
      { list: [1, 2, 3] },
    ],
  ])("%s is kept, though nobody says so", (_, change, expected) => {
    const data = {
      list: [1, 2],
      object: { a: 1 },
      deep: [[{ a: [1] }]],
      map: new Map([["a", 1]]),
      set: new Set([1]),
      date: new Date(5),
      bytes: new Uint8Array([1, 2]),
    };
    const browser = browserWith(data);
    browser.visit(change);
    expect(browser.setCookies).toHaveLength(1);
    deepStrictEqual(Object.fromEntries(browser.open().entries()), { ...data, ...expected });
  });

  test("of the value that was passed to set is kept up to the commit", () => {
    const browser = browserWith();
    const cart = ["a"];
    browser.visit((session) => {
      session.set("cart", cart);
      cart.push("b");
    });
    cart.push("c");
    expect(browser.open().get("cart")).toEqual(["a", "b"]);
  });

  test("to something that can't be carried is a TypeError at the commit that names the key, with nothing sent", () => {
    const browser = browserWith({ cart: {} });
    const session = browser.open();
    Object.assign(session.get("cart") as object, { total: () => 1 });
    expect(() => browser.answer(session)).toThrow(/session key "cart"/);
    expect(browser.open().get("cart")).toEqual({});
  });

  test("that is undone is no change", () => {
    const browser = browserWith({ list: [1], other: { a: 1 } });
    browser.visit((session) => {
      const list = session.get("list") as number[];
      list.push(2);
      list.pop();
      session.get("other");
    });
    expect(browser.setCookies).toEqual([]);
  });

  test("of a value that was then deleted or popped brings nothing back", () => {
    const browser = browserWith({ list: [1] });
    browser.visit((session) => (session.pop("list") as number[]).push(2));
    expect(browser.open().has("list")).toBe(false);
  });
});

describe("set", () => {
  test.each<[what: string, value: unknown]>([
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a class instance", new URL("https://shop.example")],
    [
      "a circle",
      (() => {
        const a: unknown[] = [];
        a.push(a);
        return a;
      })(),
    ],
    ["a function deep inside", { a: [{ b: () => 1 }] }],
  ])("throws at once, naming the key, for %s; the session stays as it was", (_, value) => {
    const browser = browserWith({ cart: 1 });
    browser.visit((session) => {
      expect(() => session.set("cart", value)).toThrow(TypeError);
      expect(() => session.set("cart", value)).toThrow(/session key "cart"/);
      expect(() => session.update("cart", () => value)).toThrow(/session key "cart"/);
      expect(session.get("cart")).toBe(1);
    });
    expect(browser.setCookies).toEqual([]);
  });
});

describe("update", () => {
  test("sets what the step makes of the value, and returns it", () => {
    const browser = browserWith({ n: 1 });
    expect(browser.visit((session) => session.update("n", (n) => Number(n) + 1))).toBe(2);
    expect(browser.visit((session) => session.update("new", (value) => [value]))).toEqual([undefined]);
    expect(browser.open().entries()).toEqual([
      ["n", 2],
      ["new", [undefined]],
    ]);
  });

  test("runs each step once, over what the one before made", () => {
    const browser = browserWith({ n: 1 });
    let runs = 0;
    const step = (n: unknown): number => {
      runs++;
      return Number(n) * 10;
    };
    browser.visit((session) => {
      session.update("n", step);
      session.update("n", step);
      session.set("m", 5);
      session.update("m", step);
      session.delete("n");
      session.update("n", (n) => (n === undefined ? "begun anew" : n));
    });
    expect(runs).toBe(3);
    expect(browser.open().entries()).toEqual([
      ["m", 50],
      ["n", "begun anew"],
    ]);
  });

  test("that throws leaves the value alone", () => {
    const browser = browserWith({ n: 1 });
    browser.visit((session) => {
      expect(() =>
        session.update("n", () => {
          throw new RangeError("no");
        }),
      ).toThrow(RangeError);
    });
    expect(browser.setCookies).toEqual([]);
    expect(browser.open().get("n")).toBe(1);
  });
});

describe("clear", () => {
  test("drops all data; the login, waiting flashes and the id stay", () => {
    const browser = browserWith({ a: 1 });
    browser.visit((session) => {
      session.login("ann");
      session.flash("hello");
    });
    const { id } = browser.open();
    browser.visit((session) => {
      session.set("b", 2);
      session.clear();
      expect(session.size).toBe(0);
      session.set("c", 3);
    });
    const session = browser.open();
    expect(session.entries()).toEqual([["c", 3]]);
    expect([session.id, session.userId, session.flashes()]).toEqual([
      id,
      "ann",
      [{ message: "hello", category: "message" }],
    ]);
  });

  test("gives a visitor who stored nothing else no cookie", () => {
    const browser = new Browser(createSessions<Data>({ secret: SECRET }));
    browser.visit((session) => {
      session.set("a", 1);
      session.clear();
    });
    expect(browser.setCookies).toEqual([]);
  });
});

describe("a visitor", () => {
  test.each<[what: string, handler: (session: Session<Data>) => unknown]>([
    ["is not looked at", () => {}],
    ["is looked at", (session) => [session.get("a"), session.userId, session.id, session.flashes(), session.expiresAt]],
    ["sets a key and deletes it again", (session) => [session.set("a", 1), session.delete("a")]],
    ["sets a key and pops it again", (session) => [session.set("a", 1), session.pop("a")]],
    ["sets a key and signs out", (session) => [session.set("a", 1), session.logout()]],
    ["signs in and out", (session) => [session.login("ann"), session.logout()]],
    ["flashes and reads the flash", (session) => [session.flash("a"), session.flashes()]],
    [
      "is to be permanent",
      (session) => {
        session.permanent = true;
      },
    ],
    ["is rotated", (session) => session.rotate()],
    ["is destroyed", (session) => session.destroy()],
    ["sets a key and is destroyed", (session) => [session.set("a", 1), session.destroy()]],
    ["checks a CSRF token", (session) => session.checkCsrfToken("a")],
  ])("without a cookie whose session %s gets none", (_, handler) => {
    const browser = new Browser(createSessions<Data>({ secret: SECRET }));
    browser.visit(handler);
    expect(browser.setCookies).toEqual([]);
  });

  test("with a cookie that holds nothing any more keeps it: its id is still theirs", () => {
    const browser = browserWith({ a: 1 });
    const { id } = browser.open();
    browser.visit((session) => session.delete("a"));
    expect(browser.setCookies).toHaveLength(1);
    expect(browser.open().id).toBe(id);
    expect(browser.open().isNew).toBe(false);
  });
});

describe("id, isNew and createdAt", () => {
  test("are the session's own, and stay while it lasts", () => {
    const browser = new Browser(createSessions<Data>({ secret: SECRET, now: () => 1_700_000_000_000 }));
    const first = browser.open();
    expect(first.isNew).toBe(true);
    expect(first.id).toMatch(/^[\w-]{27}$/);
    expect(first.createdAt).toBe(1_700_000_000_000);
    first.set("a", 1);
    expect(first.isNew).toBe(true);
    browser.answer(first);
    const second = browser.open();
    expect(second.isNew).toBe(false);
    expect(second.id).toBe(first.id);
    expect(second.createdAt).toBe(first.createdAt);
  });

  test("tell two visitors apart", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    const ids = new Set(Array.from({ length: 1_000 }, () => new Browser(sessions).open().id));
    expect(ids.size).toBe(1_000);
  });

  test("of the id nothing opens a session", () => {
    const browser = browserWith({ a: 1 });
    const thief = new Browser(browser.sessions);
    thief.cookies.set("__Host-Http-session", browser.open().id);
    expect(thief.open().isNew).toBe(true);
  });
});
