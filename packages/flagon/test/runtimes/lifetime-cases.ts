import { match, ok, strictEqual, throws } from "node:assert";
import { createSessions } from "flagon";
import { Browser, Clock, DAY, HOUR, MINUTE, SECRET } from "../browser.ts";
import type { Case } from "./suite.ts";

function signedIn(permanent: boolean): { browser: Browser; clock: Clock } {
  const clock = new Clock();
  const browser = new Browser(createSessions({ secret: SECRET, now: clock.now }));
  browser.visit((session) => session.login("ada", { permanent }));
  return { browser, clock };
}

const isSignedIn = (browser: Browser): boolean => browser.open().userId === "ada";

export const lifetimeCases: readonly Case[] = [
  {
    name: "lifetimes: thirty idle minutes end a session, and not one less",
    run: () => {
      const { browser, clock } = signedIn(false);
      clock.pass(30 * MINUTE - 1);
      strictEqual(isSignedIn(browser), true);
      clock.pass(1);
      strictEqual(isSignedIn(browser), false);
    },
  },
  {
    name: "lifetimes: twelve hours end a session that is used all the time",
    run: () => {
      const { browser, clock } = signedIn(false);
      for (let passed = 0; passed < 12 * HOUR - 10 * MINUTE; passed += 10 * MINUTE) {
        strictEqual(
          browser.visit((session) => session.userId),
          "ada",
        );
        clock.pass(10 * MINUTE);
      }
      clock.pass(10 * MINUTE);
      strictEqual(isSignedIn(browser), false);
    },
  },
  {
    name: "lifetimes: a permanent session outlives the browser for 31 idle days, and 180 at the most",
    run: () => {
      const { browser, clock } = signedIn(true);
      match(browser.setCookies[0] ?? "", /; Max-Age=2678400;/);
      clock.pass(31 * DAY - 1);
      strictEqual(isSignedIn(browser), true);
      clock.pass(1);
      strictEqual(isSignedIn(browser), false);
    },
  },
  {
    name: "lifetimes: it is renewed when a tenth of the idle time has passed, and no earlier",
    run: () => {
      const { browser, clock } = signedIn(false);
      clock.pass(3 * MINUTE - 1);
      browser.visit((session) => session.userId);
      strictEqual(browser.setCookies.length, 0);
      clock.pass(1);
      browser.visit((session) => session.userId);
      strictEqual(browser.setCookies.length, 1);
      clock.pass(29 * MINUTE);
      strictEqual(isSignedIn(browser), true);
    },
  },
  {
    name: "lifetimes: a cookie from a clock that is ahead is refused",
    run: () => {
      const { browser, clock } = signedIn(false);
      clock.pass(-6_000);
      strictEqual(isSignedIn(browser), false);
    },
  },
  {
    name: "lifetimes: isFresh forgets after as long as it is asked for",
    run: () => {
      const { browser, clock } = signedIn(false);
      ok(browser.open().isFresh("10m"));
      clock.pass(10 * MINUTE + 1);
      ok(!browser.open().isFresh("10m"));
    },
  },
  {
    name: "lifetimes: what is no duration is a TypeError at construction",
    run: () => {
      throws(() => createSessions({ secret: SECRET, lifetime: { idle: 0 } }), TypeError);
      throws(() => createSessions({ secret: SECRET, lifetime: { idle: "2d", absolute: "1d" } }), TypeError);
    },
  },
];
