import { Buffer } from "node:buffer";
import { createSessions, type Session } from "flagon";
import { describe, expect, test } from "vitest";
import { Browser, Clock, type Data, MINUTE, OTHER_SECRET, SECRET } from "../browser.ts";

const newBrowser = (): Browser<Data> => new Browser(createSessions<Data>({ secret: SECRET }));
const ask = (session: Session<Data>): string => session.csrfToken();

describe("a CSRF token", () => {
  test("is taken in the session that it was made in, as often as it is sent", () => {
    const browser = newBrowser();
    const token = browser.visit(ask);
    expect(token).toMatch(/^[\w-]{86}$/);
    for (let i = 0; i < 3; i++) expect(browser.open({ method: "POST" }).checkCsrfToken(token)).toBe(true);
  });

  test("is another text each time, and each of them is taken", () => {
    const browser = newBrowser();
    const tokens = Array.from({ length: 50 }, () => browser.visit(ask));
    expect(new Set(tokens).size).toBe(50);
    for (const token of tokens) expect(browser.open().checkCsrfToken(token)).toBe(true);
  });

  test("shares nothing with another one that a guess could be checked against", () => {
    const browser = newBrowser();
    const [one = "", two = ""] = [browser.visit(ask), browser.visit(ask)];
    const bytes = [Buffer.from(one, "base64url"), Buffer.from(two, "base64url")] as const;
    for (let i = 0; i < 64; i += 8) {
      expect(bytes[0].subarray(i, i + 8).equals(bytes[1].subarray(i, i + 8))).toBe(false);
    }
  });

  test("is taken in no other session", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    const [ann, bob] = [new Browser(sessions), new Browser(sessions)];
    const token = ann.visit(ask);
    bob.visit(ask);
    expect(bob.open().checkCsrfToken(token)).toBe(false);
    expect(new Browser(sessions).open().checkCsrfToken(token)).toBe(false);
  });

  test.each<[how: string, change: (session: Session<Data>) => unknown]>([
    ["login", (session) => session.login("ann")],
    ["rotate", (session) => session.rotate()],
    ["logout", (session) => session.logout()],
    ["logout, and a new session", (session) => [session.logout(), session.set("a", 1)]],
  ])("is no longer taken after %s", (_, change) => {
    const browser = newBrowser();
    const token = browser.visit(ask);
    browser.visit((session) => {
      change(session);
      expect(session.checkCsrfToken(token)).toBe(false);
    });
    expect(browser.open().checkCsrfToken(token)).toBe(false);
  });

  test("is taken while the session lasts, through changes and renewals", () => {
    const clock = new Clock();
    const browser = new Browser(createSessions<Data>({ secret: SECRET, now: clock.now }));
    const token = browser.visit(ask);
    for (let i = 0; i < 10; i++) {
      clock.pass(10 * MINUTE);
      browser.visit((session) => session.set("a", i));
      expect(browser.open().checkCsrfToken(token)).toBe(true);
    }
  });

  test("is taken while an older secret still opens, and not after", () => {
    let secret = [SECRET];
    const browser = new Browser(createSessions<Data>({ secret: () => secret }));
    const token = browser.visit(ask);
    secret = [OTHER_SECRET, SECRET];
    browser.visit((session) => expect(session.checkCsrfToken(token)).toBe(true));
    expect(browser.setCookies).toHaveLength(1);
    expect(browser.open().checkCsrfToken(token)).toBe(true);
    secret = [OTHER_SECRET];
    expect(browser.open().isNew).toBe(false);
    expect(browser.open().checkCsrfToken(token)).toBe(false);
    expect(browser.open().checkCsrfToken(browser.visit(ask))).toBe(true);
  });

  test("is bound to the app", () => {
    const [one, two] = ["one", "two"].map((app) => new Browser(createSessions<Data>({ secret: SECRET, app })));
    const token = one?.visit(ask) ?? "";
    expect(two?.open().checkCsrfToken(token)).toBe(false);
  });

  test("gives a visitor who has none a session, and is no reason to write one that is there", () => {
    const browser = newBrowser();
    browser.visit(ask);
    expect(browser.setCookies).toHaveLength(1);
    browser.visit(ask);
    expect(browser.setCookies).toEqual([]);
    browser.visit((session) => {
      session.logout();
      session.csrfToken();
    });
    expect(browser.open().isNew).toBe(false);
  });

  test("of any other text is refused, and none throws", () => {
    const browser = newBrowser();
    const token = browser.visit(ask);
    const session = browser.open();
    const bytes = Buffer.from(token, "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(session.checkCsrfToken(changed.toString("base64url"))).toBe(false);
    }
    for (let length = 0; length < token.length; length++)
      expect(session.checkCsrfToken(token.slice(0, length))).toBe(false);
    const junk: unknown[] = [
      "",
      " ",
      `${token} `,
      `${token}=`,
      token.repeat(2),
      token.toUpperCase(),
      "\0",
      "é".repeat(86),
    ];
    const others: unknown[] = [undefined, null, 5, {}, [], [token], true, Buffer.from(token), "x".repeat(1_000_000)];
    for (const text of [...junk, ...others]) expect(session.checkCsrfToken(text as string)).toBe(false);
    expect(session.checkCsrfToken("A".repeat(86))).toBe(false);
    expect(session.checkCsrfToken(token)).toBe(true);
  });
});
