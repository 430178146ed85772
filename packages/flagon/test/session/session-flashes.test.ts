import { createSessions, type Flash } from "flagon";
import { describe, expect, test } from "vitest";
import { Browser, type Data, SECRET, type Visit } from "../browser.ts";

const newBrowser = (): Browser<Data> => new Browser(createSessions<Data>({ secret: SECRET }));
const waiting = (...flashes: [message: string, category?: string][]): Flash[] =>
  flashes.map(([message, category = "message"]) => ({ message, category }));

/** A browser that these messages wait for. */
function browserWith(...flashes: [message: string, category?: string][]): Browser<Data> {
  const browser = newBrowser();
  browser.visit((session) => {
    for (const [message, category] of flashes) session.flash(message, category);
  });
  return browser;
}

describe("a flash", () => {
  test("waits for the next page that reads it, and is shown once", () => {
    const browser = browserWith(["Login successful!", "success"], ["Hello"]);
    browser.visit((session) => session.get("a"));
    expect(browser.visit((session) => session.flashes())).toEqual(waiting(["Login successful!", "success"], ["Hello"]));
    expect(browser.setCookies).toHaveLength(1);
    expect(browser.visit((session) => session.flashes())).toEqual([]);
    expect(browser.setCookies).toEqual([]);
  });

  test("can be read in the request that left it, after those that waited", () => {
    const browser = browserWith(["first"]);
    browser.visit((session) => {
      session.flash("second");
      expect(session.flashes()).toEqual(waiting(["first"], ["second"]));
      expect(session.flashes()).toEqual([]);
      session.flash("third");
    });
    expect(browser.open().flashes()).toEqual(waiting(["third"]));
  });

  test("is read by category, and the others wait on", () => {
    const browser = browserWith(["a", "error"], ["b"], ["c", "error"]);
    expect(browser.visit((session) => session.flashes({ category: "error" }))).toEqual(
      waiting(["a", "error"], ["c", "error"]),
    );
    expect(browser.visit((session) => session.flashes({ category: "error" }))).toEqual([]);
    expect(browser.visit((session) => session.flashes({ category: "message" }))).toEqual(waiting(["b"]));
  });

  test("is one of two that say the same, and each is shown", () => {
    const browser = browserWith(["same"], ["same"]);
    expect(browser.visit((session) => session.flashes())).toEqual(waiting(["same"], ["same"]));
    expect(browser.open().flashes()).toEqual([]);
  });

  test.each(["__proto__", "constructor", "", "ключ", "<b>\r\n"])("takes %j as category and as message", (text) => {
    const browser = browserWith([text, text]);
    expect(browser.visit((session) => session.flashes({ category: text }))).toEqual(waiting([text, text]));
  });

  const unseen: Visit[] = [
    { method: "HEAD" },
    { headers: { "sec-purpose": "prefetch" } },
    { headers: { "sec-purpose": "prefetch;prerender" } },
    { headers: { "sec-purpose": "Prefetch;anonymous-client-ip" } },
    { headers: { purpose: "prefetch" } },
    { headers: { "x-moz": "prefetch" } },
  ];
  test.each(unseen)("still waits after %j, whose answer nobody sees", (visit) => {
    const browser = browserWith(["hello"]);
    expect(browser.visit((session) => session.flashes(), visit)).toEqual(waiting(["hello"]));
    expect(browser.setCookies).toEqual([]);
    expect(browser.visit((session) => session.flashes())).toEqual(waiting(["hello"]));
    expect(browser.open().flashes()).toEqual([]);
  });

  const seen: Visit[] = [
    { method: "GET", headers: { purpose: "" } },
    { method: "POST" },
    { headers: { "sec-purpose": "", purpose: "preview" } },
  ];
  test.each(seen)("is gone after %j", (visit) => {
    const browser = browserWith(["hello"]);
    browser.visit((session) => session.flashes(), visit);
    expect(browser.open().flashes()).toEqual([]);
  });

  test("can be read after the response has started, and then waits on", () => {
    const browser = browserWith(["hello"]);
    const session = browser.open();
    session.get("a");
    browser.answer(session);
    expect(session.flashes()).toEqual(waiting(["hello"]));
    expect(browser.open().flashes()).toEqual(waiting(["hello"]));
  });

  test("is dropped by logout, and left by what follows it", () => {
    const browser = browserWith(["old"]);
    browser.visit((session) => {
      session.logout();
      session.flash("Signed out.");
    });
    expect(browser.visit((session) => session.flashes())).toEqual(waiting(["Signed out."]));
  });

  test("changed in the list that flashes() returned changes nothing", () => {
    const browser = browserWith(["hello"]);
    browser.visit((session) => session.flashes().push({ message: "forged", category: "message" }), { method: "HEAD" });
    expect(browser.open().flashes()).toEqual(waiting(["hello"]));
  });
});
