import { createSessions, type Session } from "flagon";
import { describe, expect, test } from "vitest";
import { Browser, Clock, type Data, MINUTE, SECOND, SECRET } from "../browser.ts";

interface World {
  readonly clock: Clock;
  readonly browser: Browser<Data>;
}

function visitor(): World {
  const clock = new Clock();
  const browser = new Browser(createSessions<Data>({ secret: SECRET, now: clock.now }));
  browser.visit((session) => session.set("cart", ["a"]));
  return { clock, browser };
}

/** Two requests with one cookie, both in flight before either is answered. */
function twoInFlight(browser: Browser<Data>): [Browser<Data>, Session<Data>, Browser<Data>, Session<Data>] {
  const [one, two] = [browser.copy(), browser.copy()];
  const [first, second] = [one.open(), two.open()];
  first.get("cart");
  second.get("cart");
  return [one, first, two, second];
}

describe("a sign-in that was sent twice", () => {
  test("holds, whichever answer the browser keeps, and leaves one session", () => {
    const { browser } = visitor();
    const [one, first, two, second] = twoInFlight(browser);
    first.login("ann");
    second.login("ann");
    one.answer(first);
    expect(one.open().userId).toBe("ann");
    two.answer(second);
    expect(two.open().userId).toBe("ann");
    expect(two.open().get("cart")).toEqual(["a"]);
    expect(one.open().userId).toBe("ann");
    expect(one.open().id).toBe(two.open().id);
    expect(browser.open().isNew).toBe(true);
  });

  test("holds when the second is opened after the first was answered, with the old cookie", () => {
    const { browser, clock } = visitor();
    const [one, two] = [browser.copy(), browser.copy()];
    one.visit((session) => session.login("ann"));
    clock.pass(SECOND);
    two.visit((session) => session.login("ann"));
    expect(two.open().userId).toBe("ann");
    expect(one.open().id).toBe(two.open().id);
  });

  test("and a third time leaves one as well", () => {
    const { browser } = visitor();
    const copies = [browser.copy(), browser.copy(), browser.copy()];
    for (const copy of copies) copy.visit((session) => session.login("ann"));
    expect(copies.map((copy) => copy.open().userId)).toEqual(["ann", "ann", "ann"]);
    expect(new Set(copies.map((copy) => copy.open().id)).size).toBe(1);
  });

  test("by two people leaves the one that was first", () => {
    const { browser } = visitor();
    const [one, first, two, second] = twoInFlight(browser);
    first.login("ann");
    second.login("bob");
    one.answer(first);
    two.answer(second);
    expect(two.setCookies).toEqual([]);
    expect(one.open().userId).toBe("ann");
    expect(two.open().userId).toBeNull();
  });
});

describe("a sign-in beside a sign-out", () => {
  test("that was in flight at the sign-out does not undo it", () => {
    const { browser } = visitor();
    browser.visit((session) => session.login("ann"));
    const [one, first, two, second] = twoInFlight(browser);
    first.logout();
    second.login("ann");
    one.answer(first);
    two.answer(second);
    expect(two.setCookies).toEqual([]);
    expect(two.open().userId).toBeNull();
  });

  test("that comes after it holds, also with the old cookie, and has nothing of the old session", () => {
    const { browser, clock } = visitor();
    browser.visit((session) => session.login("ann"));
    const late = browser.copy();
    browser.visit((session) => session.logout());
    clock.pass(SECOND);
    late.visit((session) => session.login("ann"));
    expect(late.open().userId).toBe("ann");
    expect(late.open().size).toBe(0);
    clock.pass(MINUTE);
    expect(late.open().userId).toBe("ann");
  });

  test("that took the place of an ended one is ended by the sign-out of what it became", () => {
    const { browser } = visitor();
    const [one, first, two, second] = twoInFlight(browser);
    first.login("ann");
    second.login("ann");
    one.answer(first);
    two.answer(second);
    const copy = two.copy();
    two.visit((session) => session.logout());
    expect(copy.open().userId).toBeNull();
  });
});

describe("a sign-in beside a rotation", () => {
  test("goes on from it, and its cookie is the one that opens", () => {
    const { browser } = visitor();
    browser.visit((session) => session.login("ann"));
    const [one, first, two, second] = twoInFlight(browser);
    first.rotate();
    second.login("ann");
    one.answer(first);
    expect(one.open().userId).toBe("ann");
    two.answer(second);
    expect(two.open().userId).toBe("ann");
    expect(one.open().userId).toBeNull();
  });

  test("by another person takes it too: it is the browser's own session that they sign in to", () => {
    const { browser } = visitor();
    browser.visit((session) => session.login("ann"));
    const [one, first, two, second] = twoInFlight(browser);
    first.rotate();
    second.login("bob");
    one.answer(first);
    two.answer(second);
    expect(two.open().userId).toBe("bob");
    expect(two.open().get("cart")).toBeUndefined();
    expect(one.open().userId).toBeNull();
  });
});

describe("a sign-out in flight at a sign-in", () => {
  test("of the visitor they were does not sign the person out", () => {
    const { browser } = visitor();
    const [one, first, two, second] = twoInFlight(browser);
    first.login("ann");
    second.logout();
    one.answer(first);
    two.answer(second);
    expect(one.open().userId).toBe("ann");
  });

  test("of the person they are already ends the session that the new sign-in made", () => {
    const { browser } = visitor();
    browser.visit((session) => session.login("ann"));
    const [one, first, two, second] = twoInFlight(browser);
    first.login("ann");
    second.logout();
    one.answer(first);
    two.answer(second);
    expect(one.open().userId).toBeNull();
  });
});
