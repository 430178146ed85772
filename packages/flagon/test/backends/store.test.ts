import { createSessions, type Sessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import {
  AsyncBrowser,
  Clock,
  DAY,
  type Data,
  HOUR,
  MINUTE,
  OTHER_SECRET,
  requestOf,
  SECOND,
  SECRET,
} from "../browser.ts";
import { rowIdOf } from "../records.ts";
import { CountedStore } from "./counted-store.ts";

let clock: Clock;
let engine: Store;
let store: CountedStore;
let sessions: Sessions<Data>;
let visitor: AsyncBrowser;

beforeEach(() => {
  clock = new Clock();
  engine = memoryStore({ now: clock.now });
  store = new CountedStore(engine);
  sessions = createSessions<Data>({ secret: SECRET, store, now: clock.now });
  visitor = new AsyncBrowser(sessions);
});

describe("what a request asks of the store", () => {
  test("a visitor without a cookie: nothing, also when the session is looked at", async () => {
    await visitor.visit((session) => session.get("n"));
    expect(store.taken()).toEqual([]);
    expect(visitor.lines.map(([name]) => name)).not.toContain("Set-Cookie");
  });

  test("a cookie that was forged, cut, or signed with a retired secret: nothing", async () => {
    await visitor.visit((session) => session.set("n", 1));
    const good = visitor.cookies.get("__Host-Http-session") ?? "";
    const forgeries = [`${good.slice(0, -2)}AA`, good.slice(1), `${good}A`, "x", "AgAAAAAA"];
    const retired = new AsyncBrowser(createSessions<Data>({ secret: OTHER_SECRET, store, now: clock.now }));
    await retired.visit((session) => session.set("n", 1));
    store.taken();
    for (const cookie of [...forgeries, retired.cookies.get("__Host-Http-session") ?? ""]) {
      visitor.cookies.set("__Host-Http-session", cookie);
      expect(await visitor.visit((session) => session.get("n"))).toBeUndefined();
    }
    expect(store.taken()).toEqual([]);
  });

  test("a new session: one create", async () => {
    await visitor.visit((session) => session.set("n", 1));
    expect(store.taken()).toEqual(["create"]);
  });

  test("a session that is not looked at, and one that is only read: one read", async () => {
    await visitor.visit((session) => session.set("n", 1));
    store.taken();
    await visitor.visit(() => {});
    expect(store.taken()).toEqual(["read"]);
    expect(visitor.lines).toEqual([]);
    expect(await visitor.visit((session) => session.get("n"))).toBe(1);
    expect(store.taken()).toEqual(["read"]);
  });

  test("a changed session: one read and one replace, and no cookie", async () => {
    await visitor.visit((session) => session.set("n", 1));
    store.taken();
    await visitor.visit((session) => session.set("n", 2));
    expect(store.taken()).toEqual(["read", "replace"]);
    expect(visitor.setCookies).toEqual([]);
  });

  test("a value that is set to what it was, or changed inside and back: as one that is only read", async () => {
    await visitor.visit((session) => session.set("cart", { tea: 1 }));
    store.taken();
    await visitor.visit((session) => {
      const cart = session.get("cart") as { tea: number };
      cart.tea++;
      cart.tea--;
    });
    expect(store.taken()).toEqual(["read"]);
  });

  test("once a tenth of the idle time has passed: one read and one touch, and the data is not sealed anew", async () => {
    await visitor.visit((session) => session.set("n", 1));
    const id = rowIdOf(await visitor.open());
    const before = await engine.read(id);
    store.taken();
    clock.pass(3 * MINUTE - 1);
    await visitor.visit((session) => session.get("n"));
    expect(store.taken()).toEqual(["read"]);
    clock.pass(1);
    await visitor.visit((session) => session.get("n"));
    expect(store.taken()).toEqual(["read", "touch"]);
    expect(visitor.setCookies).toEqual([]);
    const after = await engine.read(id);
    expect(after).toEqual({ ...before, lastSeenAt: clock.time, expiresAt: clock.time + 30 * MINUTE });
  });

  test("a permanent session's renewal also goes to the browser, whose cookie would else expire: read and replace", async () => {
    await visitor.visit((session) => session.login("u", { permanent: true }));
    store.taken();
    clock.pass(4 * DAY);
    await visitor.visit((session) => session.userId);
    expect(store.taken()).toEqual(["read", "replace"]);
    expect(visitor.setCookies).toEqual([expect.stringContaining(`; Max-Age=${31 * 86_400};`)]);
  });
});

describe("limits", () => {
  test("a session ends when nobody came for the idle time, to the millisecond", async () => {
    await visitor.visit((session) => session.set("n", 1));
    clock.pass(30 * MINUTE - 1);
    expect(await visitor.copy().visit((session) => session.get("n"))).toBe(1);
    clock.pass(30 * MINUTE);
    expect(await visitor.visit((session) => session.get("n"))).toBeUndefined();
  });

  test("it ends at the absolute limit, however often it is used", async () => {
    await visitor.visit((session) => session.login("u"));
    for (let passed = 0; passed < 12 * HOUR; passed += 20 * MINUTE) {
      expect(await visitor.visit((session) => session.userId)).toBe("u");
      clock.pass(20 * MINUTE);
    }
    expect(await visitor.visit((session) => session.userId)).toBeNull();
  });

  test("they hold although the engine still has the row", async () => {
    const short = createSessions<Data>({
      secret: SECRET,
      store,
      now: clock.now,
      lifetime: { idle: "1m", absolute: "1h" },
    });
    await visitor.visit((session) => session.set("n", 1));
    clock.pass(2 * MINUTE);
    expect(await visitor.copy(short).visit((session) => session.get("n"))).toBeUndefined();
    expect(await visitor.visit((session) => session.get("n"))).toBe(1);
  });
});

describe("the cookie", () => {
  test("is signed anew, and the row sealed anew, when an older secret opened it", async () => {
    await visitor.visit((session) => session.set("n", 1));
    const before = visitor.cookies.get("__Host-Http-session");
    const rotated = createSessions<Data>({ secret: [OTHER_SECRET, SECRET], store, now: clock.now });
    const later = visitor.copy(rotated);
    expect(await later.visit((session) => session.get("n"))).toBe(1);
    expect(later.cookies.get("__Host-Http-session")).not.toBe(before);
    const only = createSessions<Data>({ secret: OTHER_SECRET, store, now: clock.now });
    expect(await later.copy(only).visit((session) => session.get("n"))).toBe(1);
  });

  test("is one among several of its name: the first that opens counts", async () => {
    await visitor.visit((session) => session.set("n", 1));
    const good = visitor.cookies.get("__Host-Http-session");
    const session = await sessions.open(
      requestOf({ cookie: `__Host-Http-session=planted; __Host-Http-session=${good}` }),
    );
    expect(session.get("n")).toBe(1);
  });
});

describe("rows", () => {
  test("show an engine what it has to know and nothing else", async () => {
    await visitor.visit((session) => {
      session.set("secret", "tea and biscuits");
      session.login("user 7", { device: "Work laptop" });
    });
    const id = rowIdOf(await visitor.open());
    const row = await engine.read(id);
    expect(row).toMatchObject({ id, version: 1, userId: "user 7", device: "Work laptop", createdAt: clock.time });
    expect(Buffer.from(row?.data ?? []).includes("biscuits")).toBe(false);
  });

  test("can't be swapped: a row under another's id, or with another's user, is no session but a failure", async () => {
    const other = new AsyncBrowser(sessions);
    await visitor.visit((session) => session.login("admin"));
    await other.visit((session) => session.login("mallory"));
    const [mine, theirs] = [
      await engine.read(rowIdOf(await visitor.open())),
      await engine.read(rowIdOf(await other.open())),
    ];
    if (mine === null || theirs === null) throw new Error("no rows");
    await engine.replace({ ...mine, id: theirs.id, version: theirs.version + 1 }, theirs.version);
    await expect(other.visit((session) => session.userId)).rejects.toMatchObject({ code: "store_corrupt" });
    const moved = await engine.read(theirs.id);
    await engine.replace({ ...theirs, userId: "admin", version: (moved?.version ?? 0) + 1 }, moved?.version ?? 0);
    await expect(other.visit((session) => session.userId)).rejects.toMatchObject({ code: "store_corrupt" });
  });

  test("sealed with a secret that is no longer in use: nobody, and no failure", async () => {
    await visitor.visit((session) => session.set("n", 1));
    const id = rowIdOf(await visitor.open());
    const both = createSessions<Data>({ secret: [OTHER_SECRET, SECRET], store, now: clock.now });
    const later = visitor.copy(both);
    await later.visit((session) => session.get("n"));
    const renewed = await engine.read(id);
    await engine.replace({ ...renewed, version: 9 } as never, renewed?.version ?? 0);
    const only = createSessions<Data>({ secret: SECRET, store, now: clock.now });
    expect(await visitor.copy(only).visit((session) => session.get("n"))).toBeUndefined();
  });
});

describe("a user's sessions", () => {
  const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

  test("are called what the app makes of our reading", async () => {
    const headers = { "user-agent": firefox, "sec-ch-ua": '"Brave";v="139"' };
    await visitor.visit((session) => session.login(7, { device: (name) => `${name}, at work` }), { headers });
    expect(await sessions.list(7)).toMatchObject([{ device: "Firefox on Linux, at work" }]);
    const silent = new AsyncBrowser(sessions);
    await silent.visit((session) => session.login(8, { device: (name) => name }));
    expect(await sessions.list(8)).toMatchObject([{ device: null }]);
  });

  test("are not begun where the app has no name for the device", async () => {
    const failing = (device: () => never) => visitor.visit((session) => session.login(7, { device }));
    await expect(failing(() => 42 as never)).rejects.toThrow("session.login: device has to return text, or null");
    const error = new Error("the app's own");
    await expect(
      failing(() => {
        throw error;
      }),
    ).rejects.toThrow(error.message);
    expect(await sessions.list(7)).toEqual([]);
  });

  test("are listed last seen first, with what a page of devices shows", async () => {
    const phone = new AsyncBrowser(sessions);
    await visitor.visit((session) => session.login(7), { headers: { "user-agent": firefox } });
    clock.pass(MINUTE);
    await phone.visit((session) => session.login("7", { device: "Phone", permanent: true }));
    clock.pass(5 * MINUTE);
    await visitor.visit((session) => session.userId);
    const [desk, pocket] = [await visitor.open(), await phone.open()];
    const began = clock.time - 6 * MINUTE;
    expect(await sessions.list(7)).toEqual([
      {
        id: desk.id,
        isCurrent: false,
        device: "Firefox on Linux",
        createdAt: began,
        lastSeenAt: clock.time,
        expiresAt: clock.time + 30 * MINUTE,
      },
      {
        id: pocket.id,
        isCurrent: false,
        device: "Phone",
        createdAt: began + MINUTE,
        lastSeenAt: began + MINUTE,
        expiresAt: began + MINUTE + 31 * DAY,
      },
    ]);
    expect(await sessions.list("nobody")).toEqual([]);
  });

  test("keep their device through rotate and changes, and lose it with the login", async () => {
    await visitor.visit((session) => session.login("u"), { headers: { "user-agent": firefox } });
    await visitor.visit((session) => session.rotate(), { headers: { "user-agent": "curl/8" } });
    await visitor.visit((session) => session.set("n", 1), { headers: { "user-agent": "curl/8" } });
    expect(await sessions.list("u")).toMatchObject([{ device: "Firefox on Linux" }]);
    await visitor.visit((session) => {
      session.logout();
      session.set("n", 1);
    });
    expect(await engine.read(rowIdOf(await visitor.open()))).toMatchObject({ userId: null, device: null });
  });

  test("end one by one, or all but one", async () => {
    const visitors = [visitor, new AsyncBrowser(sessions), new AsyncBrowser(sessions)] as const;
    for (const each of visitors) await each.visit((session) => session.login("u"));
    const [first, second, third] = visitors;
    await sessions.revoke((await first.open()).id);
    expect(await Promise.all(visitors.map((each) => each.isKnown()))).toEqual([false, true, true]);
    await sessions.revokeUser("u", { except: (await third.open()).id });
    expect(await Promise.all(visitors.map((each) => each.isKnown()))).toEqual([false, false, true]);
    await sessions.revokeUser("u");
    expect(await second.isKnown()).toBe(false);
    expect(await third.isKnown()).toBe(false);
    expect(await sessions.list("u")).toEqual([]);
  });

  test("an unknown id, and a user without sessions, are no failure", async () => {
    await sessions.revoke("nothing");
    await sessions.revokeUser("nobody");
    await sessions.revokeUser("nobody", { except: "nothing" });
    expect(await sessions.list("nobody")).toEqual([]);
  });
});

test("count says how many sessions live, where the store can tell", async () => {
  const counting = createSessions<Data>({ secret: SECRET, store: engine, now: clock.now });
  const first = new AsyncBrowser(counting);
  await first.visit((session) => session.login("u"));
  await new AsyncBrowser(counting).visit((session) => session.set("cart", 1));
  expect(await counting.count()).toBe(2);
  await first.visit((session) => session.logout());
  expect(await counting.count()).toBe(1);
  const { count: _, ...uncounted } = engine;
  await expect(createSessions({ secret: SECRET, store: uncounted }).count()).rejects.toThrow(/cannot count/);
});

test("prune removes what has expired, and says how much", async () => {
  await visitor.visit((session) => session.set("n", 1));
  await new AsyncBrowser(sessions).visit((session) => session.login("u", { permanent: true }));
  clock.pass(31 * MINUTE);
  expect(await sessions.prune()).toBe(1);
  expect(await sessions.prune()).toBe(0);
  expect(await sessions.list("u")).toHaveLength(1);
});

test("an ended id leaves a tombstone of 30 seconds, without data and user", async () => {
  await visitor.visit((session) => session.login("u"));
  const id = rowIdOf(await visitor.open());
  await visitor.visit((session) => session.logout());
  expect(await engine.read(id)).toMatchObject({ data: null, userId: null, expiresAt: clock.time + 30 * SECOND });
});
