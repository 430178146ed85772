import fc from "fast-check";
import { createSessions, type ResponseHead, type Session } from "flagon";
import { describe, expect, test } from "vitest";
import { atOnce, Browser, Clock, type Data, MINUTE, SECRET, type Visit } from "../browser.ts";

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
const cookie = "Set-Cookie: __Host-Http-session=…; Path=/; HttpOnly; Secure; SameSite=Lax";

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
      "Set-Cookie: __Host-Http-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
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
    [["Accept", "Origin"], "Accept,Origin, Cookie"],
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

  test.each<[set: string | string[], sent: string | null]>([
    ["no-store", null],
    ["no-store, max-age=0", null],
    ["private", null],
    ["Private, max-age=60", null],
    ["max-age=60", "private, max-age=60"],
    [["max-age=60", "immutable"], "private, max-age=60,immutable"],
    ["must-revalidate, stale-while-revalidate=60", "private, must-revalidate, stale-while-revalidate=60"],
    ["no-cache", "private, no-cache"],
    ['private="x-token", max-age=60', 'private, private="x-token", max-age=60'],
    ["x-public", "private, x-public"],
    ["publicity", "private, publicity"],
    ["public", "private, no-cache"],
    ["PUBLIC, max-age=60", "private, no-cache"],
    ["max-age=60,public", "private, no-cache"],
    ["s-maxage=60", "private, no-cache"],
    ["private, S-MaxAge=60", "private, no-cache"],
    [["max-age=60", "public"], "private, no-cache"],
    ["", "private, no-cache"],
    [" , ", "private, no-cache"],
  ])("with the app's own Cache-Control %j is kept by no shared cache: %j", (set, sent) => {
    const controls = linesOf(look, { "cache-control": set }).filter((line) => line.startsWith("Cache-Control"));
    expect(controls).toEqual(sent === null ? [] : [`Cache-Control: ${sent}`]);
    const withCookie = linesOf(change, { "cache-control": set }).filter((line) => line.startsWith("Cache-Control"));
    expect(withCookie).toEqual(["Cache-Control: private, no-store"]);
  });

  test.each([
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "netlify-cdn-cache-control",
    "surrogate-control",
    "vercel-cdn-cache-control",
  ])("has the app's %s overruled, which caches obey before Cache-Control", (name) => {
    const response: ResponseHead = {
      header: (each) => (each === name ? "max-age=600" : null),
    };
    for (const act of [look, change]) {
      const browser = new Browser(createSessions<Data>({ secret: SECRET }));
      const session = browser.open();
      act(session);
      expect(atOnce(browser.sessions.commit(session, response))).toContainEqual([name, "no-store"]);
    }
    expect(linesOf(look).filter((line) => line.includes("Control"))).toEqual(["Cache-Control: private, no-cache"]);
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

describe("what the app forbids", () => {
  const controlAfter = (own: string): string =>
    linesOf(look, { "cache-control": own })
      .find((line) => line.startsWith("Cache-Control: "))
      ?.slice("Cache-Control: ".length) ?? own;

  test.each<[own: string, sent: string]>([
    ["private, no-cache, no-store, max-age=0, s-maxage=0", "private, no-cache, no-store, max-age=0, s-maxage=0"],
    ["s-maxage=0, max-age=0, no-store, no-cache, private", "s-maxage=0, max-age=0, no-store, no-cache, private"],
    ["no-store", "no-store"],
    ["NO-STORE, public", "NO-STORE, public"],
    ["public, max-age=60, must-revalidate, no-transform", "private, no-cache, must-revalidate, no-transform"],
    ["s-maxage=60, no-cache", "private, no-cache"],
    ["private, s-maxage=60", "private, no-cache"],
    ["private, s-maxage=0, max-age=5", "private, s-maxage=0, max-age=5"],
    ['private="x-name", max-age=60', 'private, private="x-name", max-age=60'],
    ['no-cache="a, public", max-age=60', 'private, no-cache="a, public", max-age=60'],
    [",, max-age=60 ,", "private, ,, max-age=60 ,"],
    [" , ", "private, no-cache"],
  ])("stays forbidden: %s", (own, sent) => {
    expect(controlAfter(own)).toBe(sent);
  });

  test("is never weakened, in any order of directives, and no shared cache may keep the page", () => {
    const directives = ["private", "no-store", "no-cache", "max-age=0", "max-age=60", "s-maxage=0", "s-maxage=60"];
    const more = ["public", "must-revalidate", "no-transform", "immutable", 'private="x"', "PRIVATE", "Public"];
    fc.assert(
      fc.property(fc.shuffledSubarray([...directives, ...more]), (own) => {
        const sent = controlAfter(own.join(", ")).toLowerCase();
        const has = (text: string, directive: RegExp): boolean => directive.test(text);
        const given = own.join(", ").toLowerCase();
        const [store, asks] = [/(^|, )no-store($|,)/, /(^|, )(no-store|no-cache)($|,)/];
        expect(has(sent, store) || !has(given, store)).toBe(true);
        expect(has(sent, asks) || !has(given, asks)).toBe(true);
        expect(has(sent, /(^|, )(private|no-store)($|,)/)).toBe(true);
        expect(has(sent, /(^|, )(public|s-maxage=60)/) && !has(sent, store)).toBe(false);
      }),
    );
  });

  test.each([
    ["X-Accel-Expires", "3600", "0"],
    ["Edge-Control", "max-age=60", "no-store"],
    ["Akamai-Cache-Control", "max-age=60", "no-store"],
    ["X-LiteSpeed-Cache-Control", "public,max-age=60", "no-cache"],
    ["CDN-Cache-Control", "max-age=60", "no-store"],
  ])("holds for caches that go by %s", (name, own, sent) => {
    expect(linesOf(look, { [name.toLowerCase()]: own })).toContain(`${name.toLowerCase()}: ${sent}`);
    expect(linesOf(() => {}, { [name.toLowerCase()]: own })).toEqual([]);
  });
});
