import type { Session } from "flagon";
import { describe, expect, test } from "vitest";
import { Browser, Clock, DAY, type Data, HOUR, MINUTE, NOON } from "./browser.ts";
import { appWith, refusedCookies } from "./refused-cookies.ts";

/** What an app answers: a page that shows all there is to see of a session, and stores something if asked to. */
function answerTo(cookie: string | null, isStoring: boolean): { body: string; lines: string[] } {
  const browser = new Browser(appWith(() => NOON));
  if (cookie !== null) browser.cookies.set("__Host-Http-session", cookie);
  const body = browser.visit((session: Session<Data>) => {
    if (isStoring) {
      session.set("page", 1);
      session.flash("seen");
    }
    const { userId, isNew, createdAt, expiresAt, authenticatedAt, permanent } = session;
    const clocks = { createdAt, expiresAt, authenticatedAt, fresh: session.isFresh("1h") };
    return JSON.stringify({ userId, isNew, permanent, clocks, entries: session.entries(), size: session.size });
  });
  // What is sealed is never twice the same text; what it says is compared by its length, and opened.
  const lines = browser.lines.map(
    ([name, value]) => `${name}: ${value.replace(/=[\w-]+;/, ([...text]) => `=${text.length};`)}`,
  );
  if (isStoring) expect(browser.open().entries()).toEqual([["page", 1]]);
  return { body, lines };
}

describe("promise 1: a cookie that is refused opens a new session, and nobody can tell why", () => {
  for (const isStoring of [false, true]) {
    const expected = answerTo(null, isStoring);

    test.each(refusedCookies(NOON))(
      `%s: the answer is that of a visitor without a cookie, storing: ${isStoring}`,
      (_, cookie) => {
        expect(answerTo(cookie, isStoring)).toEqual(expected);
      },
    );
  }

  test("and the visitor's answer is what a browser without a cookie gets", () => {
    const { body, lines } = answerTo(null, false);
    expect(JSON.parse(body)).toMatchObject({ userId: null, isNew: true, entries: [] });
    expect(lines).toEqual(["Vary: Cookie", "Cache-Control: private, no-cache"]);
  });
});

describe("promise 3: a slow request in flight at logout never brings the session back, within a process", () => {
  test("whatever it does, and however late it ends", () => {
    const clock = new Clock();
    const browser = new Browser(appWith(clock.now));
    browser.visit((session) => session.login("ann"));
    const slow = browser.copy();
    const requests = ["look", "set", "update", "rotate", "flash", "login", "logout", "permanent"].map((act) => {
      const session = slow.open();
      if (act === "look") session.get("a");
      if (act === "set") session.set("a", 1);
      if (act === "update") session.update("a", () => 1);
      if (act === "rotate") session.rotate();
      if (act === "flash") session.flash("a");
      if (act === "login") session.login("ann");
      if (act === "logout") session.logout();
      if (act === "permanent") session.permanent = true;
      return session;
    });
    browser.visit((session) => session.logout());
    for (const session of requests) {
      clock.pass(3 * MINUTE);
      slow.answer(session);
      // A second sign-out may delete the cookie; nothing else reaches the browser.
      for (const cookie of slow.setCookies) expect(cookie).toMatch(/^__Host-Http-session=; Max-Age=0;/);
      expect(slow.open().userId).toBeNull();
    }
  });
});

describe("promise 4: idle and absolute hold on the server, whatever the browser keeps", () => {
  test.each<[what: string, permanent: boolean, idle: number, absolute: number]>([
    ["browser-long", false, 30 * MINUTE, 12 * HOUR],
    ["permanent", true, 31 * DAY, 180 * DAY],
  ])("%s", (_, permanent, idle, absolute) => {
    const clock = new Clock();
    const browser = new Browser(appWith(clock.now));
    browser.visit((session) => session.login("ann", { permanent }));
    // A browser that keeps every cookie for ever, whatever Max-Age says.
    const kept: string[] = [];
    for (let time = NOON; time < NOON + absolute + idle; time += Math.floor(idle / 3)) {
      clock.time = time;
      kept.push(browser.cookies.get("__Host-Http-session") ?? "");
      const isOver = time >= NOON + absolute;
      expect(browser.visit((session) => session.userId)).toBe(isOver ? null : "ann");
    }
    for (const cookie of kept) {
      browser.cookies.set("__Host-Http-session", cookie);
      expect(browser.open().userId).toBeNull();
    }
  });
});

describe("promise 5: login gives a new cookie, and the old one is dead at once, within a process", () => {
  test("as soon as the answer to the login is made", () => {
    const browser = new Browser(appWith(() => NOON));
    browser.visit((session) => session.set("cart", 1));
    const old = browser.copy();
    const { id } = old.open();
    const login = browser.open();
    login.login("ann");
    expect(old.open().id).toBe(id);
    browser.answer(login);
    expect(old.open().isNew).toBe(true);
    expect(browser.open().id).not.toBe(id);
    expect(browser.open().get("cart")).toBe(1);
  });
});

describe("promise 7: redirect after save", () => {
  test("the next request sees what this one stored, each time", () => {
    const browser = new Browser(appWith(() => NOON));
    for (let step = 1; step <= 20; step++) {
      browser.visit((session) => session.set("step", step), { method: "POST" });
      expect(browser.visit((session) => session.get("step"))).toBe(step);
    }
  });
});

describe("not promised: a sealed cookie's owner can send an older one", () => {
  test("which opens as what it was, until it expires", () => {
    const clock = new Clock();
    const browser = new Browser(appWith(clock.now));
    browser.visit((session) => session.set("triesLeft", 3));
    const older = browser.copy();
    browser.visit((session) => session.set("triesLeft", 0));
    expect(browser.open().get("triesLeft")).toBe(0);
    expect(older.open().get("triesLeft")).toBe(3);
    clock.pass(30 * MINUTE);
    expect(older.open().isNew).toBe(true);
  });
});
