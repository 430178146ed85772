import { createSessions } from "flagon";
import { describe, expect, test } from "vitest";
import { KeyRing } from "../src/crypto/keys.ts";
import { emit } from "../src/events.ts";
import { Browser, Clock, type Data, HOUR, OTHER_SECRET, requestOf, SECRET } from "./browser.ts";
import { channels, type Heard, listen } from "./listen.ts";

function setUp(options: object = {}): { browser: Browser<Data>; clock: Clock } {
  const clock = new Clock();
  return { clock, browser: new Browser(createSessions<Data>({ secret: SECRET, now: clock.now, ...options })) };
}

const of = (heard: readonly Heard[], channel: string): unknown[] =>
  heard.filter((each) => each.channel === channel).map(({ message }) => message);

describe("flagon:open", () => {
  test("tells once of each session that was looked at", () => {
    const { browser } = setUp();
    expect(listen(() => browser.visit(() => {}))).toEqual([]);
    expect(listen(() => browser.visit((session) => [session.get("a"), session.id]))).toEqual([
      { channel: "flagon:open", message: { id: null, userId: null } },
    ]);
    browser.visit((session) => session.login("ann"));
    const { id } = browser.open();
    expect(
      of(
        listen(() => browser.visit((session) => session.get("a"))),
        "flagon:open",
      ),
    ).toEqual([{ id, userId: "ann" }]);
  });
});

describe("flagon:commit", () => {
  test("tells of each cookie written, and how long it is", () => {
    const { browser } = setUp();
    const heard = of(
      listen(() => browser.visit((session) => session.set("a", 1))),
      "flagon:commit",
    );
    expect(heard).toEqual([{ id: browser.open().id, bytes: browser.cookie.length, nearLimit: false }]);
    expect(
      of(
        listen(() => browser.visit((session) => session.get("a"))),
        "flagon:commit",
      ),
    ).toEqual([]);
  });

  test("warns near 3,500 bytes, where some proxies refuse a header", () => {
    const { browser } = setUp();
    for (const [length, nearLimit] of [
      [2_400, false],
      [2_600, true],
    ] as const) {
      const [message] = of(
        listen(() => browser.visit((session) => session.set("a", "x".repeat(length)))),
        "flagon:commit",
      );
      expect(message).toMatchObject({ nearLimit, bytes: browser.cookie.length });
      expect(browser.cookie.length >= 3_500).toBe(nearLimit);
    }
  });
});

describe("flagon:reject", () => {
  const good = setUp();
  good.browser.visit((session) => session.set("a", 1));
  const value = good.browser.cookie;
  const sealedWith = (options: object): string => {
    const { browser } = setUp(options);
    browser.visit((session) => session.set("a", 1));
    return browser.cookie;
  };

  test.each<[reason: string, value: string]>([
    ["malformed", "junk"],
    ["malformed", ""],
    ["malformed", `${value}=`],
    ["malformed", "A".repeat(5_000)],
    ["malformed", `B${value.slice(1)}`],
    ["unknown_key", sealedWith({ secret: OTHER_SECRET })],
    ["hour", sealedWith({ now: () => Date.UTC(2099) })],
    ["forged", `${value.slice(0, 40)}${value[40] === "A" ? "B" : "A"}${value.slice(41)}`],
    ["forged", sealedWith({ app: "other" })],
    ["expired", sealedWith({ now: () => good.clock.time - HOUR })],
    ["from_the_future", sealedWith({ now: () => good.clock.time + 6_000 })],
  ])("tells why a cookie was refused: %s", (reason, cookie) => {
    const { browser } = setUp();
    browser.cookies.set("__Host-Http-session", cookie);
    expect(
      of(
        listen(() => browser.visit((session) => session.get("a"))),
        "flagon:reject",
      ),
    ).toEqual([{ reason }]);
  });

  test("tells of each of several cookies", () => {
    const { browser } = setUp();
    const cookie = `__Host-Http-session=junk; __Host-Http-session=${sealedWith({ app: "b" })}; __Host-Http-session=${value}`;
    const heard = listen(() => browser.visit((session) => session.get("a"), { headers: { cookie } }));
    expect(of(heard, "flagon:reject")).toEqual([{ reason: "malformed" }, { reason: "forged" }]);
  });

  test("tells of a request from another site, and what was wrong with it", () => {
    const { browser } = setUp();
    const heard = listen(() => {
      expect(() => browser.sessions.open(requestOf({ origin: "https://evil.example" }, "POST"))).toThrow();
    });
    expect(heard).toEqual([
      { channel: "flagon:reject", message: { reason: "cross_site", detail: expect.any(String) } },
    ]);
  });

  test("tells of an ended session", () => {
    const { browser } = setUp();
    browser.visit((session) => session.set("a", 1));
    const copy = browser.copy();
    browser.visit((session) => session.logout());
    expect(
      of(
        listen(() => copy.visit((session) => session.get("a"))),
        "flagon:reject",
      ),
    ).toEqual([{ reason: "ended" }]);
  });
});

describe("flagon:revoke and flagon:conflict", () => {
  test("tell how a session ended", () => {
    const { browser } = setUp();
    const endings = [
      ["rotated", (b: Browser<Data>) => b.visit((session) => session.rotate())],
      ["rotated", (b: Browser<Data>) => b.visit((session) => session.login("ann"))],
      ["ended", (b: Browser<Data>) => b.visit((session) => session.login("bob"))],
      ["ended", (b: Browser<Data>) => b.visit((session) => session.logout())],
    ] as const;
    browser.visit((session) => session.login("ann"));
    for (const [reason, act] of endings) {
      const { id, userId } = browser.open();
      expect(
        of(
          listen(() => act(browser)),
          "flagon:revoke",
        ),
      ).toEqual([{ id, userId, reason }]);
    }
  });

  test("tell of a request whose session ended while it ran", () => {
    const { browser } = setUp();
    browser.visit((session) => session.set("a", 1));
    const slow = browser.open();
    slow.set("a", 2);
    browser.copy().visit((session) => session.logout());
    expect(
      of(
        listen(() => browser.answer(slow)),
        "flagon:conflict",
      ),
    ).toEqual([{ id: slow.id, reason: "ended" }]);
  });
});

test("no event holds a secret, a key, a MAC, a token or a cookie's value", () => {
  const secret = `${SECRET}`;
  const { browser, clock } = setUp({ secret: [secret, OTHER_SECRET] });
  const values = new Set<string>();
  const heard = listen(() => {
    browser.visit((session) => {
      session.set("password", "hunter2-hunter2");
      session.flash("a message for one pair of eyes");
    });
    values.add(browser.cookie);
    values.add(browser.visit((session) => session.csrfToken()));
    const copy = browser.copy();
    browser.visit((session) => session.login("ann"));
    values.add(browser.cookie);
    copy.visit((session) => session.set("late", 1));
    for (const cut of [0, 1, 22]) {
      browser.cookies.set("__Host-Http-session", `${[...values].at(-1)?.slice(0, -cut || undefined)}x`);
      browser.visit((session) => session.get("a"));
    }
    browser.cookies.set("__Host-Http-session", [...values].at(-1) ?? "");
    clock.pass(HOUR);
    browser.visit((session) => session.set("b", 1));
    values.add(browser.cookie);
    browser.visit((session) => session.logout());
  });
  expect(new Set(heard.map(({ channel }) => channel)).size).toBe(5);
  const told = JSON.stringify(heard);
  const keys = new KeyRing(secret, "").current();
  const material = [keys.key("id"), keys.key("csrf"), keys.key("seal", Math.floor(clock.time / HOUR))];
  for (const key of material) {
    for (const spelling of ["hex", "base64", "base64url"] as const)
      expect(told).not.toContain(key.export().toString(spelling));
  }
  for (const hidden of [secret, OTHER_SECRET, "hunter2-hunter2", "one pair of eyes"])
    expect(told).not.toContain(hidden);
  // Not even a part of a value: the id is in a cookie as well, but encrypted.
  for (const value of values) {
    for (let i = 0; i + 12 <= value.length; i++) expect(told).not.toContain(value.slice(i, i + 12));
  }
});

test("no message is made for channels that nobody listens to", () => {
  const make = (): never => {
    throw new Error("a message was made");
  };
  for (const channel of channels) expect(() => emit(channel, make)).not.toThrow();
  expect(() => listen(() => emit("flagon:open", make))).toThrow("a message was made");
});
