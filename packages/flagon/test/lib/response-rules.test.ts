import { createSessions, type Session } from "flagon";
import { describe, expect, test } from "vitest";
import { Browser, Clock, type Data, MINUTE, SECRET, type Visit } from "../browser.ts";

type Response = NonNullable<Visit["response"]>;

/** The header lines of a response, without the cookie's value. */
function linesOf(handler: (session: Session<Data>) => unknown, response?: Response, signedIn = true): string[] {
  const browser = new Browser(createSessions<Data>({ secret: SECRET }));
  if (signedIn) browser.visit((session) => session.login("ann"));
  browser.visit(handler, response === undefined ? {} : { response });
  return browser.lines.map(([name, value]) => `${name}: ${value.replace(/=[\w-]{50,}/, "=…")}`);
}

const look = (session: Session<Data>): unknown => session.get("a");
const change = (session: Session<Data>): unknown => session.set("a", 1);
const cookie = "Set-Cookie: __Host-session=…; Path=/; HttpOnly; Secure; SameSite=Lax";

describe("a response", () => {
  test("whose session nobody looked at has no header of ours", () => {
    for (const signedIn of [true, false]) {
      expect(linesOf(() => {}, undefined, signedIn)).toEqual([]);
      expect(linesOf(() => {}, { vary: "Accept", "cache-control": "public" }, signedIn)).toEqual([]);
    }
  });

  test("whose session was looked at varies with the cookie, and is for this browser to revalidate", () => {
    for (const signedIn of [true, false]) {
      expect(linesOf(look, undefined, signedIn)).toEqual(["Vary: Cookie", "Cache-Control: private, no-cache"]);
    }
  });

  test("that sets a cookie is for nobody to keep", () => {
    expect(linesOf(change)).toEqual([cookie, "Vary: Cookie", "Cache-Control: private, no-store"]);
  });

  test("that deletes a cookie is for nobody to keep", () => {
    expect(linesOf((session) => session.destroy())).toEqual([
      "Set-Cookie: __Host-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
      "Vary: Cookie",
      "Cache-Control: private, no-store",
    ]);
  });

  test.each<[what: string, look: (session: Session<Data>) => unknown]>([
    ["get", (session) => session.get("a")],
    ["has", (session) => session.has("a")],
    ["keys", (session) => session.keys()],
    ["entries", (session) => session.entries()],
    ["size", (session) => session.size],
    ["flashes", (session) => session.flashes()],
    ["permanent", (session) => session.permanent],
    ["userId", (session) => session.userId],
    ["authenticatedAt", (session) => session.authenticatedAt],
    ["isFresh", (session) => session.isFresh("1h")],
    ["id", (session) => session.id],
    ["isNew", (session) => session.isNew],
    ["createdAt", (session) => session.createdAt],
    ["expiresAt", (session) => session.expiresAt],
    ["checkCsrfToken", (session) => session.checkCsrfToken("x")],
    ["delete of what is not there", (session) => session.delete("a")],
    ["pop of what is not there", (session) => session.pop("a")],
    ["clear of nothing", (session) => session.clear()],
  ])("counts %s as a look, and sets no cookie for it", (_, act) => {
    for (const signedIn of [true, false]) {
      expect(linesOf(act, undefined, signedIn)).toEqual(["Vary: Cookie", "Cache-Control: private, no-cache"]);
    }
  });

  test.each<[set: string | string[], vary: string | null]>([
    ["Accept-Encoding", "Accept-Encoding, Cookie"],
    ["Accept-Encoding, Origin", "Accept-Encoding, Origin, Cookie"],
    [["Accept", "Origin"], "Accept, Origin, Cookie"],
    ["Cookie", null],
    ["cookie", null],
    ["Accept,COOKIE ,Origin", null],
    ["*", null],
    ["Accept, *", null],
    ["", "Cookie"],
    [",", "Cookie"],
    ["Cookies", "Cookies, Cookie"],
    ["X-Cookie", "X-Cookie, Cookie"],
  ])("keeps the app's own Vary %j: %j", (set, vary) => {
    const varies = linesOf(look, { vary: set }).filter((line) => line.startsWith("Vary"));
    expect(varies).toEqual(vary === null ? [] : [`Vary: ${vary}`]);
  });

  test.each<[set: string | string[], kept: boolean]>([
    ["no-store", true],
    ["private", true],
    ["private, max-age=60", true],
    ["max-age=60", true],
    ["no-cache", true],
    ["public", false],
    ["PUBLIC, max-age=60", false],
    ["max-age=60,public", false],
    ["s-maxage=60", false],
    ["private, S-MaxAge=60", false],
    [["max-age=60", "public"], false],
    ["", false],
    [" , ", false],
    ["x-public", true],
    ["publicity", true],
  ])("keeps the app's own Cache-Control %j when no shared cache may keep it by that: %j", (set, kept) => {
    const controls = linesOf(look, { "cache-control": set }).filter((line) => line.startsWith("Cache-Control"));
    expect(controls).toEqual(kept ? [] : ["Cache-Control: private, no-cache"]);
    const withCookie = linesOf(change, { "cache-control": set }).filter((line) => line.startsWith("Cache-Control"));
    expect(withCookie).toEqual(["Cache-Control: private, no-store"]);
  });

  test("that renews the cookie is for nobody to keep", () => {
    const clock = new Clock();
    const browser = new Browser(createSessions<Data>({ secret: SECRET, now: clock.now }));
    browser.visit((session) => session.login("ann"));
    clock.pass(5 * MINUTE);
    browser.visit(look, { response: { "cache-control": "max-age=60" } });
    expect(browser.setCookies).toHaveLength(1);
    expect(browser.header("cache-control")).toBe("private, no-store");
  });
});
