import { createSessions, type Session } from "flagon";
import { describe, expect, test } from "vitest";
import { Browser, Clock, type Data, HOUR, MINUTE, NOON, SECOND, SECRET } from "../browser.ts";

interface World {
  readonly clock: Clock;
  readonly browser: Browser<Data>;
}

function setUp(): World {
  const clock = new Clock();
  return { clock, browser: new Browser(createSessions<Data>({ secret: SECRET, now: clock.now })) };
}

function signedIn(userId = "ann"): World {
  const world = setUp();
  world.browser.visit((session) => {
    session.login(userId);
    session.set("cart", ["a"]);
  });
  return world;
}

describe("login", () => {
  test("gives a new id, and the old one is dead at once", () => {
    const { browser, clock } = setUp();
    browser.visit((session) => session.set("cart", ["a"]));
    const before = browser.copy();
    const { id } = browser.open();
    clock.pass(SECOND);
    browser.visit((session) => {
      session.login("ann");
      expect(session.id).not.toBe(id);
    });
    expect(browser.open().id).not.toBe(id);
    expect(browser.open().userId).toBe("ann");
    expect(before.open().isNew).toBe(true);
    clock.pass(HOUR / 4);
    expect(before.open().isNew).toBe(true);
  });

  test("keeps the visitor's own data and flashes", () => {
    const { browser } = setUp();
    browser.visit((session) => {
      session.set("cart", ["a"]);
      session.flash("hello");
    });
    browser.visit((session) => session.login("ann"));
    expect(browser.open().get("cart")).toEqual(["a"]);
    expect(browser.open().flashes()).toHaveLength(1);
  });

  test("drops data and flashes of another user, and keeps what is set after it", () => {
    const { browser } = signedIn("ann");
    browser.visit((session) => session.flash("for ann"));
    browser.visit((session) => {
      session.set("late", "still ann's");
      session.login("bob");
      expect(session.size).toBe(0);
      session.set("new", 1);
    });
    expect(browser.open().entries()).toEqual([["new", 1]]);
    expect(browser.open().flashes()).toEqual([]);
    expect(browser.open().userId).toBe("bob");
  });

  test("of the same user again keeps the data, with a new id and fresh clocks", () => {
    const { browser, clock } = signedIn("ann");
    const before = browser.copy();
    clock.pass(20 * MINUTE);
    browser.visit((session) => session.login("ann"));
    const session = browser.open();
    expect(session.get("cart")).toEqual(["a"]);
    expect([session.createdAt, session.authenticatedAt]).toEqual([clock.time, clock.time]);
    expect(before.open().userId).toBeNull();
  });

  test.each<[given: string | number, kept: string]>([
    ["ann", "ann"],
    [42, "42"],
    [0, "0"],
    [-1, "-1"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    ["00042", "00042"],
    [" ", " "],
    ["__proto__", "__proto__"],
    ["ünï\r\n", "ünï\r\n"],
  ])("keeps the user id %j as %j", (given, kept) => {
    const { browser } = setUp();
    browser.visit((session) => {
      session.login(given);
      expect(session.userId).toBe(kept);
    });
    expect(browser.open().userId).toBe(kept);
  });

  test('takes 42 and "42" for one user', () => {
    const { browser } = setUp();
    browser.visit((session) => {
      session.login(42);
      session.set("a", 1);
    });
    browser.visit((session) => session.login("42"));
    expect(browser.open().get("a")).toBe(1);
  });

  test.each<unknown>(["", undefined, null, Number.NaN, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, true, {}, [], ["ann"]])(
    "throws a TypeError for the user id %j, and signs nobody in",
    (userId) => {
      const { browser } = setUp();
      browser.visit((session) => {
        expect(() => session.login(userId as string)).toThrow(TypeError);
        expect(session.userId).toBeNull();
      });
      expect(browser.setCookies).toEqual([]);
    },
  );

  test("leaves a thief with the visitor's cookie nothing, neither the login nor a way to keep the old session", () => {
    const { browser, clock } = setUp();
    // Fixation: the attacker plants a cookie of their own.
    browser.visit((session) => session.set("a", 1));
    const attacker = browser.copy();
    browser.visit((session) => session.login("victim"));
    for (const wait of [0, SECOND, 29 * MINUTE]) {
      clock.pass(wait);
      expect(attacker.open().userId).toBeNull();
      expect(attacker.open().get("a")).toBeUndefined();
    }
  });

  test.each([
    [undefined, false],
    [true, true],
    [false, false],
  ])("with permanent %j is permanent: %j", (permanent, expected) => {
    const { browser } = setUp();
    browser.visit((session) => session.login("ann", permanent === undefined ? {} : { permanent }));
    expect(browser.open().permanent).toBe(expected);
  });

  test("without permanent stays as it was, and with another user begins anew", () => {
    const { browser } = setUp();
    browser.visit((session) => session.login("ann", { permanent: true }));
    browser.visit((session) => session.login("ann"));
    expect(browser.open().permanent).toBe(true);
    browser.visit((session) => session.login("bob"));
    expect(browser.open().permanent).toBe(false);
  });
});

describe("isFresh and authenticatedAt", () => {
  test("tell how long ago the user signed in, to the millisecond", () => {
    const { browser, clock } = signedIn();
    clock.pass(10 * MINUTE);
    expect(browser.open().isFresh("10m")).toBe(true);
    expect(browser.open().isFresh(600)).toBe(true);
    clock.pass(1);
    expect(browser.open().isFresh("10m")).toBe(false);
    expect(browser.open().isFresh("11m")).toBe(true);
    expect(browser.open().authenticatedAt).toBe(NOON);
  });

  test("are false and null while nobody is signed in", () => {
    const { browser } = setUp();
    browser.visit((session) => session.set("a", 1));
    expect(browser.open().isFresh("100d")).toBe(false);
    expect(browser.open().authenticatedAt).toBeNull();
  });

  test("stay through renewals and rotation, and start anew with login", () => {
    const { browser, clock } = signedIn();
    clock.pass(20 * MINUTE);
    browser.visit((session) => session.rotate());
    expect(browser.open().authenticatedAt).toBe(NOON);
    expect(browser.open().isFresh("10m")).toBe(false);
    browser.visit((session) => session.login("ann"));
    expect(browser.open().isFresh("10m")).toBe(true);
  });

  test("throw a TypeError for what is no duration", () => {
    const { browser } = signedIn();
    expect(() => browser.open().isFresh("soon" as "1s")).toThrow(/^isFresh/);
    expect(() => setUp().browser.open().isFresh(0)).toThrow(TypeError);
  });
});

describe("logout", () => {
  test("drops all data and deletes the cookie, and the id is dead", () => {
    const { browser } = signedIn();
    const thief = browser.copy();
    const { id } = browser.open();
    browser.visit((session) => {
      session.flash("old");
      session.logout();
      expect([session.userId, session.size, session.flashes(), session.permanent]).toEqual([null, 0, [], false]);
      expect(session.id).not.toBe(id);
    });
    expect(browser.setCookies).toEqual(["__Host-Http-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax"]);
    expect(browser.cookies.size).toBe(0);
    expect(thief.open().userId).toBeNull();
  });

  test("lets what is set or flashed afterwards begin a new session", () => {
    const { browser } = signedIn();
    const { id } = browser.open();
    browser.visit((session) => {
      session.logout();
      session.flash("Signed out.");
      session.set("theme", "dark");
    });
    const session = browser.open();
    expect(session.entries()).toEqual([["theme", "dark"]]);
    expect(session.flashes()).toHaveLength(1);
    expect([session.userId, session.authenticatedAt, session.isNew]).toEqual([null, null, false]);
    expect(session.id).not.toBe(id);
  });

  test("starts the absolute clock anew for what begins", () => {
    const { browser, clock } = signedIn();
    clock.pass(10 * MINUTE);
    browser.visit((session) => {
      session.logout();
      session.set("a", 1);
    });
    expect(browser.open().createdAt).toBe(clock.time);
  });

  test("then login in one request signs the next one in without anything of the last", () => {
    const { browser } = signedIn("ann");
    browser.visit((session) => {
      session.logout();
      session.login("ann");
    });
    expect(browser.open().userId).toBe("ann");
    expect(browser.open().size).toBe(0);
  });

  test("of a visitor with nothing is nothing", () => {
    const { browser } = setUp();
    browser.visit((session) => session.logout());
    expect(browser.setCookies).toEqual([]);
  });
});

describe("destroy", () => {
  const changes: [what: string, change: (session: Session<Data>) => unknown][] = [
    ["set", (session) => session.set("a", 1)],
    ["delete", (session) => session.delete("a")],
    ["update", (session) => session.update("a", () => 1)],
    ["clear", (session) => session.clear()],
    ["flash", (session) => session.flash("a")],
    ["login", (session) => session.login("ann")],
    ["logout", (session) => session.logout()],
    ["rotate", (session) => session.rotate()],
    ["destroy", (session) => session.destroy()],
    ["csrfToken", (session) => session.csrfToken()],
    [
      "permanent",
      (session) => {
        session.permanent = true;
      },
    ],
  ];

  test("drops all data, deletes the cookie and ends the id", () => {
    const { browser } = signedIn();
    const thief = browser.copy();
    browser.visit((session) => session.destroy());
    expect(browser.cookies.size).toBe(0);
    expect(thief.open().userId).toBeNull();
  });

  test.each(changes)("lets no new session begin in this request: %s throws", (_, change) => {
    const { browser } = signedIn();
    const session = browser.open();
    session.destroy();
    expect(() => change(session)).toThrow(TypeError);
    expect([session.get("cart"), session.userId, session.size, session.flashes()]).toEqual([undefined, null, 0, []]);
    browser.answer(session);
    expect(browser.cookies.size).toBe(0);
  });

  test.each(changes)("and the commit are what %s comes too late after", (_, change) => {
    const { browser } = signedIn();
    const session = browser.open();
    session.get("cart");
    browser.answer(session);
    expect(() => change(session)).toThrow(TypeError);
    expect(() => change(session)).toThrow(/after the response had started/);
    expect(session.get("cart")).toEqual(["a"]);
  });
});

describe("rotate", () => {
  test("gives a new cookie and the old one is dead; id, data, login and clocks stay", () => {
    const { browser, clock } = signedIn();
    const thief = browser.copy();
    const { id } = browser.open();
    clock.pass(MINUTE);
    browser.visit((session) => session.rotate());
    const session = browser.open();
    expect(session.id).toBe(id);
    expect([session.userId, session.get("cart"), session.createdAt, session.authenticatedAt]).toEqual([
      "ann",
      ["a"],
      NOON,
      NOON,
    ]);
    expect(thief.open().userId).toBeNull();
  });
});

describe("a look", () => {
  const looks: [what: string, look: (session: Session<Data>) => unknown][] = [
    ["get", (session) => session.get("a")],
    ["has", (session) => session.has("a")],
    ["keys", (session) => session.keys()],
    ["userId", (session) => session.userId],
    ["id", (session) => session.id],
    ["isNew", (session) => session.isNew],
    ["expiresAt", (session) => session.expiresAt],
    ["flashes", (session) => session.flashes()],
    ["permanent", (session) => session.permanent],
    ["isFresh", (session) => session.isFresh("1h")],
    ["checkCsrfToken", (session) => session.checkCsrfToken("a")],
  ];

  test.each(looks)("again after the response has started is fine: %s", (_, look) => {
    const { browser } = signedIn();
    const session = browser.open();
    session.get("cart");
    browser.answer(session);
    expect(() => look(session)).not.toThrow();
  });
});

describe("a session that was ended in this process", () => {
  test.each<[how: string, end: (session: Session<Data>) => unknown]>([
    ["logout", (session) => session.logout()],
    ["destroy", (session) => session.destroy()],
    ["rotate", (session) => session.rotate()],
    ["a login", (session) => session.login("ann")],
    ["another user's login", (session) => session.login("bob")],
  ])("by %s is not brought back by a slow request that was in flight", (_, end) => {
    const { browser } = signedIn();
    const slow = browser.copy();
    const inFlight = slow.open();
    inFlight.set("late", 1);
    browser.visit(end);
    const cookies = [...browser.cookies];
    slow.answer(inFlight);
    expect(slow.lines.filter(([name]) => name === "Set-Cookie")).toEqual([]);
    expect([...browser.cookies]).toEqual(cookies);
    expect(slow.open().isNew).toBe(true);
    expect(browser.open().get("late")).toBeUndefined();
  });

  test("is not renewed by a slow request that only looked", () => {
    const { browser, clock } = signedIn();
    const slow = browser.copy();
    clock.pass(5 * MINUTE);
    const inFlight = slow.open();
    inFlight.get("cart");
    browser.visit((session) => session.logout());
    slow.answer(inFlight);
    expect(slow.setCookies).toEqual([]);
  });

  test("stores nothing for a late request that still has its cookie, and deletes no newer one", () => {
    const { browser, clock } = signedIn();
    const late = browser.copy();
    browser.visit((session) => session.logout());
    clock.pass(SECOND);
    late.visit((session) => {
      expect(session.isNew).toBe(true);
      session.set("a", 1);
    });
    expect(late.setCookies).toEqual([]);
  });

  test("is a new visitor's for whoever comes with its cookie a minute later", () => {
    const { browser, clock } = signedIn();
    const late = browser.copy();
    browser.visit((session) => session.logout());
    clock.pass(MINUTE);
    late.visit((session) => session.set("a", 1));
    expect(late.setCookies).toHaveLength(1);
    expect(late.open().get("a")).toBe(1);
    expect(late.open().userId).toBeNull();
  });

  test("ends the session whose cookie a rotation in flight made anew", () => {
    const { browser } = signedIn();
    const other = browser.copy();
    const rotating = other.open();
    rotating.rotate();
    const leaving = browser.open();
    leaving.logout();
    other.answer(rotating);
    expect(other.open().userId).toBe("ann");
    browser.answer(leaving);
    expect(other.open().userId).toBeNull();
  });

  test("takes nobody else with it", () => {
    const { browser } = signedIn();
    const other = new Browser(browser.sessions);
    other.visit((session) => session.login("ann"));
    browser.visit((session) => session.logout());
    expect(other.open().userId).toBe("ann");
  });

  test("stays ended while ten thousand others end", () => {
    const { browser } = signedIn();
    const thief = browser.copy();
    browser.visit((session) => session.logout());
    const others = new Browser(browser.sessions);
    for (let i = 0; i < 9_999; i++) {
      others.visit((session) => session.set("a", 1));
      others.visit((session) => session.destroy());
    }
    expect(thief.open().userId).toBeNull();
  });

  test("is not ended when its commit fails", () => {
    const { browser } = signedIn();
    const session = browser.open();
    session.login("ann");
    session.set("huge", "x".repeat(5_000));
    expect(() => browser.answer(session)).toThrow(expect.objectContaining({ code: "cookie_too_large" }));
    expect(browser.open().userId).toBe("ann");
    expect(browser.open().get("cart")).toEqual(["a"]);
  });
});
