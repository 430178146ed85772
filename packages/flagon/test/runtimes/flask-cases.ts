import { deepStrictEqual, match, ok, strictEqual } from "node:assert";
import { createSessions, type Sessions } from "flagon";
import { fromFlaskConfig, Markup, Tuple, Uuid } from "flagon/flask";
import { Browser, DAY } from "../browser.ts";
import type { Case, World } from "./suite.ts";

interface FlaskCookies {
  readonly secretKey: string;
  readonly signedAt: number;
  readonly cookies: Readonly<Record<string, string>>;
}

export function flaskCases({ flaskCookies }: World): Case[] {
  const { secretKey, signedAt, cookies } = JSON.parse(flaskCookies) as FlaskCookies;
  const sessionsAt = (ms: number): Sessions<Record<string, unknown>> =>
    createSessions({
      ...fromFlaskConfig({ SECRET_KEY: secretKey, SESSION_PROTECTION: null }),
      now: () => signedAt * 1_000 + ms,
    });
  const browserWith = (title: string, ms = 1_000): Browser => {
    const browser = new Browser(sessionsAt(ms));
    browser.cookies.set("session", cookies[title] ?? "");
    return browser;
  };
  return [
    {
      name: "flask: what Flask wrote is read",
      run: () => {
        strictEqual(browserWith("a visitor with a name").open().get("username"), "ada");
        const session = browserWith("a person, signed in").open();
        deepStrictEqual([session.userId, session.permanent, session.isFresh("1m")], ["42", true, true]);
        deepStrictEqual(browserWith("flashes").open().flashes(), [
          { message: "Login successful!", category: "success" },
          { message: "ü", category: "message" },
        ]);
      },
    },
    {
      name: "flask: a compressed cookie is read",
      run: () => {
        match(cookies["long enough to be compressed"] ?? "", /^\./);
        const { length } = browserWith("long enough to be compressed").open().get("cart") as unknown[];
        strictEqual(length, 200);
      },
    },
    {
      name: "flask: Flask's own kinds of values are read",
      run: () => {
        const session = browserWith("Flask's own kinds of values").open();
        deepStrictEqual(session.get("bytes"), new Uint8Array([0, 255]));
        ok(session.get("markup") instanceof Markup);
        ok(session.get("pair") instanceof Tuple);
        ok(session.get("uuid") instanceof Uuid);
        strictEqual((session.get("when") as Date).toISOString(), "2026-03-01T12:30:00.000Z");
        strictEqual(session.get("big"), 2n ** 70n);
      },
    },
    {
      name: "flask: what is written is read again, compressed where that is shorter",
      run: () => {
        const browser = browserWith("a visitor with a name");
        browser.visit((session) => session.set("notes", "again and ".repeat(50)).login("7"));
        match(browser.cookie, /^\.eJ/);
        const session = browser.open();
        deepStrictEqual([session.userId, session.get("notes")], ["7", "again and ".repeat(50)]);
      },
    },
    {
      name: "flask: a changed cookie, and one past 31 days, open a new session",
      run: () => {
        const browser = browserWith("a visitor with a name");
        const cookie = browser.cookie;
        browser.cookies.set("session", `${cookie.slice(0, -3)}${cookie.at(-3) === "A" ? "B" : "A"}${cookie.slice(-2)}`);
        strictEqual(browser.open().isNew, true);
        strictEqual(browserWith("a visitor with a name", 31 * DAY).open().isNew, false);
        strictEqual(browserWith("a visitor with a name", 31 * DAY + 1_000).open().isNew, true);
      },
    },
  ];
}
