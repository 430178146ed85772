import { createSessions, type Duration } from "flagon";
import { describe, expect, test } from "vitest";
import { parseDuration } from "../../src/util/duration.ts";
import { Browser, Clock, DAY, type Data, HOUR, MINUTE, NOON, SECOND, SECRET } from "../browser.ts";

describe("a duration", () => {
  test.each<[duration: Duration, ms: number]>([
    ["30s", 30 * SECOND],
    ["30m", 30 * MINUTE],
    ["12h", 12 * HOUR],
    ["31d", 31 * DAY],
    ["1.5h", 90 * MINUTE],
    ["0.5s", 500],
    [30, 30 * SECOND],
    [0.25, 250],
    [86_400, DAY],
  ])("of %j is %d ms", (duration, ms) => {
    expect(parseDuration(duration, "option")).toBe(ms);
  });

  test.each<unknown>([
    "30",
    "1e3",
    "0x10",
    " 5 ",
    "30 m",
    "30min",
    "30M",
    "30ms",
    "1w",
    "-5m",
    "+5m",
    ".5h",
    "5.h",
    "0s",
    "0",
    "",
    "m",
    "1h30m",
    "1e3s",
    "Infinitys",
    "٣m",
    "5m\n",
    `${"9".repeat(400)}s`,
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    [5],
    {},
  ])("of %j is a TypeError that names the option", (duration) => {
    expect(() => parseDuration(duration as Duration, "lifetime.idle")).toThrow(TypeError);
    expect(() => createSessions({ secret: SECRET, lifetime: { idle: duration as Duration } })).toThrow(
      /^lifetime\.idle /,
    );
  });

  test.each(["lifetime", "permanentLifetime"])("of %s: idle beyond absolute is a TypeError", (option) => {
    const make = (): unknown => createSessions({ secret: SECRET, [option]: { idle: "2h", absolute: "1h" } });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(new RegExp(`^${option}\\.idle .*absolute`));
    expect(() => createSessions({ secret: SECRET, [option]: { idle: "1h", absolute: "1h" } })).not.toThrow();
    expect(() => createSessions({ secret: SECRET, [option]: { idle: "200d" } })).toThrow(TypeError);
  });
});

function setUp(options: object = {}): { browser: Browser<Data>; clock: Clock } {
  const clock = new Clock();
  return { clock, browser: new Browser(createSessions<Data>({ secret: SECRET, now: clock.now, ...options })) };
}

const kinds = [
  { kind: "browser-long", permanent: false, idle: 30 * MINUTE, absolute: 12 * HOUR },
  { kind: "permanent", permanent: true, idle: 31 * DAY, absolute: 180 * DAY },
];

// With and without the memory for verified cookies, which would hide what a restarted process refuses.
const settings = kinds.flatMap((kind) => [1_000, 0].map((cache) => ({ ...kind, cache })));

describe.each(settings)("a $kind session, remembering $cache cookies", ({ permanent, idle, absolute, cache }) => {
  function signedIn(): { browser: Browser<Data>; clock: Clock } {
    const both = setUp({ cache });
    both.browser.visit((session) => session.login("ann", { permanent }));
    return both;
  }

  /** Visits in steps so short that it never idles out, the last time two seconds before that moment, then waits for it. */
  function keepVisiting(browser: Browser<Data>, clock: Clock, until: number): void {
    while (clock.time < until - 2 * SECOND) {
      clock.time = Math.min(clock.time + Math.floor(idle * 0.9), until - 2 * SECOND);
      browser.visit((session) => session.get("x"));
    }
    clock.time = until;
  }

  test("is open to the last millisecond of its idle time, and over after it", () => {
    const { browser, clock } = signedIn();
    clock.pass(idle - 1);
    expect(browser.open().userId).toBe("ann");
    clock.pass(1);
    expect(browser.open().userId).toBeNull();
    expect(browser.open().isNew).toBe(true);
  });

  test("is open to the last millisecond of its absolute time, however often it is used, and over after it", () => {
    const { browser, clock } = signedIn();
    keepVisiting(browser, clock, NOON + absolute - 1);
    expect(browser.open().userId).toBe("ann");
    clock.pass(1);
    expect(browser.open().userId).toBeNull();
  });

  test("starts both clocks anew at login", () => {
    const { browser, clock } = signedIn();
    keepVisiting(browser, clock, NOON + absolute - 1);
    browser.visit((session) => session.login("ann"));
    expect(browser.visit((session) => [session.createdAt, session.authenticatedAt])).toEqual([clock.time, clock.time]);
    keepVisiting(browser, clock, NOON + 2 * absolute - 2);
    expect(browser.open().userId).toBe("ann");
    clock.pass(1);
    expect(browser.open().userId).toBeNull();
  });

  test("keeps its absolute end when it rotates", () => {
    const { browser, clock } = signedIn();
    keepVisiting(browser, clock, NOON + absolute - 5 * SECOND);
    browser.visit((session) => session.rotate());
    clock.pass(5 * SECOND - 1);
    expect(browser.open().userId).toBe("ann");
    clock.pass(1);
    expect(browser.open().userId).toBeNull();
  });

  test("is renewed once a tenth of the idle time has passed, and not before", () => {
    const { browser, clock } = signedIn();
    clock.pass(idle / 10 - 1);
    browser.visit((session) => session.get("x"));
    expect(browser.setCookies).toEqual([]);
    clock.pass(1);
    browser.visit((session) => session.get("x"));
    expect(browser.setCookies).toHaveLength(1);
    expect(browser.visit((session) => session.expiresAt)).toBe(clock.time + idle);
    expect(browser.setCookies).toEqual([]);
  });

  test("is not renewed by a request that does not look at it", () => {
    const { browser, clock } = signedIn();
    clock.pass(idle / 2);
    browser.visit(() => {});
    expect(browser.lines).toEqual([]);
  });

  test("is renewed whenever it changes", () => {
    const { browser, clock } = signedIn();
    clock.pass(1);
    browser.visit((session) => session.set("a", 1));
    clock.pass(idle - 1);
    expect(browser.open().get("a")).toBe(1);
    clock.pass(1);
    expect(browser.open().get("a")).toBeUndefined();
  });

  test("says when it expires: what the next look would find", () => {
    const { browser, clock } = signedIn();
    const { expiresAt } = browser.open();
    expect(expiresAt).toBe(NOON + idle);
    clock.time = expiresAt - 1;
    expect(browser.open().isNew).toBe(false);
    clock.time = expiresAt;
    expect(browser.open().isNew).toBe(true);
  });

  test("says that it expires at its absolute end, when that comes first", () => {
    const { browser, clock } = signedIn();
    keepVisiting(browser, clock, NOON + absolute - 1_000);
    expect(browser.open().expiresAt).toBe(NOON + absolute);
  });

  test(`has ${permanent ? "a" : "no"} Max-Age`, () => {
    const { browser, clock } = signedIn();
    const maxAge = (): string | undefined => /Max-Age=(\d+)/.exec(browser.setCookies.join())?.[1];
    expect(maxAge()).toBe(permanent ? String(idle / SECOND) : undefined);
    keepVisiting(browser, clock, NOON + absolute - 10 * SECOND);
    expect(maxAge()).toBe(permanent ? "12" : undefined);
  });
});

describe("a session's kind", () => {
  test("changes with session.permanent, both ways, and the lifetimes with it", () => {
    const { browser, clock } = setUp();
    browser.visit((session) => session.set("a", 1));
    browser.visit((session) => {
      session.permanent = true;
    });
    expect(browser.setCookies[0]).toContain(`Max-Age=${(31 * DAY) / SECOND}`);
    clock.pass(10 * DAY);
    expect(browser.open().permanent).toBe(true);
    browser.visit((session) => {
      session.permanent = false;
    });
    // Begun ten days ago: as a browser-long session it is over.
    expect(browser.open().isNew).toBe(true);
  });

  test("is kept on a visitor who stores something in the same request, and stores nothing by itself", () => {
    const { browser } = setUp();
    browser.visit((session) => {
      session.permanent = true;
    });
    expect(browser.setCookies).toEqual([]);
    browser.visit((session) => {
      session.permanent = true;
      session.set("a", 1);
    });
    expect(browser.open().permanent).toBe(true);
  });

  test("is what the options say, shorter and longer", () => {
    const { browser, clock } = setUp({
      lifetime: { idle: 1, absolute: 2 },
      permanentLifetime: { idle: "10d", absolute: 864_000 },
    });
    browser.visit((session) => session.set("a", 1));
    clock.pass(999);
    expect(browser.open().isNew).toBe(false);
    clock.pass(1);
    expect(browser.open().isNew).toBe(true);
  });

  test("of 500 days writes a Max-Age of 400, and goes on until the server says no", () => {
    const { browser, clock } = setUp({ permanentLifetime: { idle: "500d", absolute: "1000d" } });
    browser.visit((session) => session.login("ann", { permanent: true }));
    expect(browser.setCookies[0]).toContain("Max-Age=34560000;");
    clock.pass(500 * DAY - 1);
    expect(browser.open().userId).toBe("ann");
  });
});

describe("the clocks of two servers", () => {
  function twoServers(ahead: number): { browser: Browser<Data>; behind: Browser<Data> } {
    const fast = new Clock();
    fast.pass(ahead);
    const browser = new Browser(createSessions<Data>({ secret: SECRET, now: fast.now }));
    browser.visit((session) => session.login("ann"));
    const behind = new Browser(createSessions<Data>({ secret: SECRET, now: () => NOON }));
    for (const [name, value] of browser.cookies) behind.cookies.set(name, value);
    return { browser, behind };
  }

  test.each([0, 1, SECOND, 5 * SECOND])("may differ by %d ms", (ahead) => {
    const { behind } = twoServers(ahead);
    expect(behind.open().userId).toBe("ann");
  });

  test.each([5 * SECOND + 1, MINUTE, HOUR, 2 * HOUR, 10 * DAY])("may not differ by %d ms", (ahead) => {
    const { behind } = twoServers(ahead);
    expect(behind.open().userId).toBeNull();
  });

  test("may lie on two sides of a full hour", () => {
    const hourEnd = Math.ceil(NOON / HOUR) * HOUR;
    const browser = new Browser(createSessions<Data>({ secret: SECRET, now: () => hourEnd + 2_500 }));
    browser.visit((session) => session.login("ann"));
    const behind = new Browser(createSessions<Data>({ secret: SECRET, now: () => hourEnd - 2_500 }));
    for (const [name, value] of browser.cookies) behind.cookies.set(name, value);
    expect(behind.open().userId).toBe("ann");
  });

  test("that are broken open nothing", () => {
    const { browser, clock } = setUp();
    browser.visit((session) => session.login("ann"));
    clock.time = Number.NaN;
    expect(browser.open().userId).toBeNull();
    clock.time = Number.POSITIVE_INFINITY;
    expect(browser.open().userId).toBeNull();
    clock.time = 0;
    expect(browser.open().userId).toBeNull();
  });

  test("that run backwards never make a session last longer than its idle time", () => {
    const { browser, clock } = setUp();
    browser.visit((session) => session.login("ann"));
    clock.pass(-5_000);
    browser.visit((session) => session.get("x"));
    expect(browser.setCookies).toEqual([]);
    clock.time = NOON + 30 * MINUTE - 1;
    expect(browser.open().userId).toBe("ann");
    clock.pass(1);
    expect(browser.open().userId).toBeNull();
  });
});
