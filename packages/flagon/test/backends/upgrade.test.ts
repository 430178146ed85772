import { createSessions, type Session, type SessionOptions, type Sessions, type Store, sealed } from "flagon";
import { flaskCodec } from "flagon/flask";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, DAY, type Data, HOUR, MINUTE, SECOND, SECRET } from "../browser.ts";
import { rowIdOf } from "../records.ts";
import { Scheduler } from "./scheduler.ts";

/*
 * An app that had sealed cookies and keeps its sessions in a store from now on. A copy of the old cookie is what a thief,
 * a restored browser or a slow request still has.
 */
let clock: Clock;
let store: Store;
let visitor: AsyncBrowser;
/** A copy of the sealed cookie, before the app as it is now. */
let copy: AsyncBrowser;
let id: string;
/** The key of the session's row, which the id names. */
let rowId: string;

const login = (session: Session<Data>): void => session.login("u", { permanent: true });
const userOf = (session: Session<Data>): string | null => session.userId;
const until = (): Date => new Date(clock.time + 90 * DAY);

function processOf(options: Partial<SessionOptions<Data>> = {}): Sessions<Data> {
  const upgradeFrom = [{ codec: sealed, until: new Date(1_778_157_296_789 + 90 * DAY) }];
  return createSessions<Data>({ secret: SECRET, store, now: clock.now, upgradeFrom, ...options });
}

beforeEach(async () => {
  clock = new Clock();
  store = memoryStore({ now: clock.now });
  const before = new AsyncBrowser(createSessions<Data>({ secret: SECRET, now: clock.now }));
  await before.visit((session) => {
    login(session);
    session.set("n", 1);
    session.flash("Hello");
  });
  id = (await before.open()).id;
  rowId = rowIdOf({ id });
  clock.pass(MINUTE);
  visitor = before.copy(processOf());
  copy = visitor.copy();
});

describe("a session in a sealed cookie", () => {
  test("moves into the store at the first look, with its id, data, login and clocks", async () => {
    const began = clock.time - MINUTE;
    const seen = await visitor.visit((s) => [s.id, s.get("n"), s.userId, s.createdAt, s.authenticatedAt, s.isNew]);
    expect(seen).toEqual([id, 1, "u", began, began, false]);
    expect(visitor.setCookies).toHaveLength(1);
    expect(await store.read(rowId)).toMatchObject({ userId: "u", createdAt: began, lastSeenAt: clock.time });
    // The browser's cookie names the row now: it is good without upgradeFrom.
    const later = visitor.copy(processOf({ upgradeFrom: [] }));
    expect(await later.visit((session) => [session.id, session.flashes().length])).toEqual([id, 1]);
  });

  test("is listed from then on with the device that it was moved from", async () => {
    const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" };
    await visitor.visit(userOf, { headers });
    expect(await processOf().list("u")).toMatchObject([{ id, device: "Firefox on Linux" }]);
    await visitor.visit((session) => session.rotate(), { headers: { "user-agent": "curl/8" } });
    expect(await processOf().list("u")).toMatchObject([{ device: "Firefox on Linux" }]);
  });

  test("moves once, however many requests come first at the same time, and all that they store is kept", async () => {
    const processes = Array.from({ length: 4 }, () => processOf());
    const visitors = Array.from({ length: 20 }, (_, n) => visitor.copy(processes[n % 4]));
    await Promise.all(
      visitors.map((each, n) =>
        each.visit((session) => {
          session.set(`key${n}`, n);
          session.update("n", (value) => Number(value) + 1);
        }),
      ),
    );
    expect(await sessionsOf("u")).toEqual([id]);
    const session = await visitors[7]?.open();
    expect([session?.get("n"), session?.size]).toEqual([21, 21]);
  });

  test("with a store that is down stays as it is, and moves later", async () => {
    const down = processOf({ store: { ...store, read: () => Promise.reject(new Error("down")) } });
    const there = visitor.copy(down);
    const session = await there.open();
    expect(() => session.userId).toThrow(expect.objectContaining({ code: "store_unavailable" }));
    await there.answer(session);
    expect(there.lines).toEqual([]);
    expect(await visitor.visit(userOf)).toBe("u");
  });

  test("that is on its way into an engine that is full is over when somebody was told so, and else can be ended again", async () => {
    const full = {
      ...store,
      replace: () => Promise.reject(new Error("full")),
      create: () => Promise.reject(new Error("full")),
    };
    const { create } = store;
    // The row is there, and the entry beside it is not: the process died in between.
    const dying: Store = {
      ...store,
      create: (row) => (row.id === rowId ? create(row) : Promise.reject(new Error("died"))),
    };
    await visitor
      .copy(processOf({ store: dying }))
      .visit((session) => session.get("n"))
      .catch(() => {});
    expect(await store.read(rowId)).not.toBeNull();
    await expect(processOf({ store: full }).revoke(id)).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await processOf().revoke(id)).toBe(true);
    clock.pass(MINUTE);
    expect(await copy.visit(userOf)).toBeNull();
  });

  test("that was never used since can be revoked, and ends with its user", async () => {
    expect(await processOf().revoke(id)).toBe(true);
    expect(await copy.visit(userOf)).toBeNull();
    expect(await processOf().revoke(id)).toBe(false);
    const other = new AsyncBrowser(createSessions<Data>({ secret: SECRET, now: clock.now }));
    await other.visit(login);
    await processOf().revokeUser("u");
    expect(await other.copy(processOf()).visit(userOf)).toBeNull();
  });

  test("that was never used since is revoked only if it is that user's", async () => {
    await processOf().revoke(id, { userId: "mallory" });
    expect(await copy.visit(userOf)).toBe("u");
    expect(await processOf().revoke(id, { userId: "mallory" })).toBe(false);
    const other = new AsyncBrowser(createSessions<Data>({ secret: SECRET, now: clock.now }));
    await other.visit(login);
    const otherId = (await other.open()).id;
    expect(await processOf().revoke(otherId, { userId: "u" })).toBe(true);
    expect(await other.copy(processOf()).visit(userOf)).toBeNull();
  });

  test("that is revoked while its first request is under way is not moved by it", async () => {
    const [first, second] = [visitor.copy(), visitor.copy(processOf())];
    const open = [await first.open(), await second.open()] as const;
    open[0].set("n", 2);
    open[1].set("n", 2);
    await processOf().revoke(id);
    await first.answer(open[0]);
    await processOf().revokeUser("u");
    await second.answer(open[1]);
    for (const each of [first, second, copy]) {
      expect(each.setCookies).toEqual([]);
      expect(await each.isKnown()).toBe(false);
    }
    expect(await sessionsOf("u")).toEqual([]);
  });
});

async function sessionsOf(userId: string): Promise<string[]> {
  return (await processOf().list(userId)).map((session) => session.id);
}

describe("a copy of the sealed cookie never brings the session back", () => {
  const ends: [how: string, end: () => Promise<unknown>][] = [
    ["a sign-out", () => visitor.visit((session) => session.logout())],
    ["a sign-out with the sealed cookie itself", () => copy.copy().visit((session) => session.logout())],
    ["destroy", () => visitor.visit((session) => session.destroy())],
    ["a revoke", () => processOf().revoke(id)],
    ["revokeUser", () => processOf().revokeUser("u")],
    ["a rotation", () => visitor.visit((session) => session.rotate())],
    ["a new sign-in", () => visitor.visit((session) => session.login("u"))],
    ["a sign-in of somebody else", () => visitor.visit((session) => session.login("v"))],
  ];

  test.each(ends)("after %s", async (_how, end) => {
    await visitor.visit(userOf);
    await end();
    for (const passed of [0, 29 * SECOND, 2 * SECOND, HOUR, 10 * DAY, 15 * DAY]) {
      clock.pass(passed);
      expect(await copy.copy(processOf()).visit((session) => [session.isNew, session.userId])).toEqual([true, null]);
    }
  });

  test.each(ends)("after %s by the very first request", async (_how, end) => {
    await end();
    for (const passed of [0, 29 * SECOND, 2 * SECOND, HOUR, 10 * DAY]) {
      clock.pass(passed);
      expect(await copy.copy(processOf()).visit((session) => [session.isNew, session.userId])).toEqual([true, null]);
    }
  });

  test("after the row's idle end, which came before the copy's own", async () => {
    await visitor.visit((session) => {
      session.permanent = false;
    });
    clock.pass(31 * MINUTE);
    expect(await visitor.isKnown()).toBe(false);
    expect(await copy.isKnown()).toBe(false);
    await processOf().prune();
    expect(await copy.isKnown()).toBe(false);
  });

  test("after the row was lost", async () => {
    await visitor.visit(userOf);
    await store.delete(rowId);
    expect(await copy.isKnown()).toBe(false);
  });

  test("while the session lives, the copy is the session", async () => {
    await visitor.visit((session) => session.set("n", 2));
    expect(await copy.visit((session) => [session.id, session.get("n")])).toEqual([id, 2]);
  });

  test("also not when a request with it was under way for longer than a tombstone lasts", async () => {
    const slow = visitor.copy();
    const session = await slow.open();
    session.set("n", 2);
    await visitor.visit((own) => own.logout());
    clock.pass(MINUTE);
    await slow.answer(session);
    expect(slow.setCookies).toEqual([]);
    expect(await slow.isKnown()).toBe(false);
  });
});

describe("the spared session", () => {
  test("of a changed password is the one that is being moved", async () => {
    await visitor.visit(async (session) => {
      session.rotate();
      await visitor.sessions.revokeUser("u", { except: session.id });
    });
    expect(await visitor.visit(userOf)).toBe("u");
    expect(await copy.isKnown()).toBe(false);
  });

  test("of a password that was reset is the one that signs in", async () => {
    await visitor.visit(async (session) => {
      await visitor.sessions.revokeUser("u", { except: session.id });
      session.login("u");
    });
    expect(await visitor.visit(userOf)).toBe("u");
    expect(await copy.isKnown()).toBe(false);
  });
});

describe("until", () => {
  test("is required, and has to be a date", () => {
    const upgradeFrom = (given: unknown): (() => unknown) => {
      return () => processOf({ upgradeFrom: [{ codec: sealed, until: given as string }] });
    };
    expect(upgradeFrom(undefined)).toThrow(TypeError);
    expect(upgradeFrom("soon")).toThrow(TypeError);
    expect(upgradeFrom("2027-01-31")).not.toThrow();
  });

  test("ends the upgrade: from then on the old cookie is nobody, and who moved stays", async () => {
    await visitor.visit(userOf);
    const other = new AsyncBrowser(createSessions<Data>({ secret: SECRET, now: clock.now }));
    await other.visit(login);
    const short = processOf({ upgradeFrom: [{ codec: sealed, until: new Date(clock.time + DAY) }] });
    clock.pass(DAY);
    expect(await other.copy(short).visit(userOf)).toBeNull();
    expect(await visitor.copy(short).visit(userOf)).toBe("u");
  });
});

test("there is no way back: a store's cookie is nobody to sealed cookies", async () => {
  await visitor.visit(userOf);
  const back = visitor.copy(createSessions<Data>({ secret: SECRET, now: clock.now }));
  expect(await back.visit(userOf)).toBeNull();
});

describe("a session in a foreign format", () => {
  const codec = flaskCodec({ secretKey: "a Flask app's own secret key, which may be of any length" });
  let flask: AsyncBrowser;

  beforeEach(async () => {
    const app = new AsyncBrowser(createSessions<Data>({ codec, now: clock.now }));
    await app.visit((session) => {
      session.set("n", 1);
      session.login("u");
    });
    flask = app.copy(processOf({ upgradeFrom: [{ codec, until: until() }] }));
  });

  test("is taken over once, under a new id, however many requests come first, and all that they store is kept", async () => {
    const tabs = Array.from({ length: 5 }, () => flask.copy());
    const open = await Promise.all(tabs.map((tab) => tab.open()));
    for (const [n, session] of open.entries()) {
      expect([session.userId, session.get("n")]).toEqual(["u", 1]);
      session.set(`key${n}`, n);
    }
    await Promise.all(tabs.map((tab, n) => tab.answer(open[n] as Session<Data>)));
    expect(await sessionsOf("u")).toHaveLength(1);
    for (const tab of tabs) expect(await tab.visit((session) => session.size)).toBe(6);
  });

  test("and its copy is the session until that has a new cookie; then it is late for 30 seconds, and then nobody", async () => {
    const [other, late] = [flask.copy(), flask.copy()];
    await flask.visit(userOf);
    expect(await other.visit((session) => [session.userId, session.get("n")])).toEqual(["u", 1]);
    await flask.visit((session) => session.rotate());
    await late.visit((session) => {
      expect(session.userId).toBeNull();
      session.set("n", 2);
    });
    expect(late.cookies.has("__Host-Http-session")).toBe(false);
    clock.pass(30 * SECOND);
    expect(await late.visit(userOf)).toBeNull();
    expect(await flask.visit(userOf)).toBe("u");
  });

  test("that ended stays ended until the format's date", async () => {
    const late = flask.copy();
    await flask.visit((session) => session.logout());
    for (const passed of [0, MINUTE, 20 * DAY, 69 * DAY]) {
      clock.pass(passed);
      expect(await late.copy(late.sessions).visit(userOf)).toBeNull();
    }
  });

  test("signed out with the copy just after it was taken over is signed out", async () => {
    const late = flask.copy();
    await flask.visit(userOf);
    await late.visit((session) => session.logout());
    expect(await flask.visit(userOf)).toBeNull();
  });

  /*
   * One request takes the session over while another one ends it, or somebody does from outside: in whatever order the two
   * do their parts, the end holds.
   */
  const ends: [how: string, end: (second: AsyncBrowser) => Promise<unknown>][] = [
    ["signed out with the copy", (second) => second.visit((session) => session.logout())],
    ["revoked", async (second) => second.sessions.revoke((await second.open()).id)],
    ["revoked as that user's", async (second) => second.sessions.revoke((await second.open()).id, { userId: "u" })],
    ["ended with its user", (second) => second.sessions.revokeUser("u")],
  ];

  test.each(ends)("%s while it is being taken over is over", async (_how, end) => {
    for (let turns = 0; turns < 12; turns++) {
      store = memoryStore({ now: clock.now });
      const scheduler = new Scheduler();
      const [first, second] = ["A", "B"].map((name) => {
        const upgradeFrom = [{ codec, until: until() }];
        return flask.copy(processOf({ store: scheduler.storeOf(() => name, store), upgradeFrom }));
      }) as [AsyncBrowser, AsyncBrowser];
      await second.sessions.open({ method: "GET", url: "https://shop.example/", header: () => null });
      const session = await first.open();
      session.set("n", 2);
      scheduler.hold();
      const answers = [first.answer(session), end(second)];
      for (let n = 0; n < turns; n++) await scheduler.stepOf("A");
      await scheduler.stepsOf("B");
      await scheduler.stepsOf("A");
      await Promise.all(answers);
      scheduler.release();
      expect(await first.isKnown(), `after ${turns} commands`).toBe(false);
      expect(await sessionsOf("u")).toEqual([]);
    }
  });
});
