import { createSessions, type HeaderLine, type Session, type Sessions, sealed } from "flagon";
import { memoryStore } from "flagon/memory";
import { describe, expect, test } from "vitest";
import { sessionsFrom } from "../../src/sessions.ts";
import { atOnce, Browser, Clock, type Data, HOUR, MINUTE, OTHER_SECRET, requestOf, SECRET } from "../browser.ts";

const newBrowser = (options: object = {}): Browser<Data> =>
  new Browser(createSessions<Data>({ secret: SECRET, ...options }));

/** The cookie's value of a visitor who has stored this. */
function cookieOf(data: Data, options: object = {}): string {
  const browser = newBrowser(options);
  browser.visit((session) => {
    for (const [key, value] of Object.entries(data)) session.set(key, value);
  });
  return browser.cookie;
}

function openWith(cookie: string, options: object = {}): Session<Data> {
  return atOnce(createSessions<Data>({ secret: SECRET, ...options }).open(requestOf({ cookie })));
}

describe("open and commit", () => {
  test("are synchronous for sealed sessions, up to the header lines", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    const session = sessions.open(requestOf());
    expect(session).not.toBeInstanceOf(Promise);
    atOnce(session).set("a", 1);
    expect(sessions.commit(atOnce(session))).toBeInstanceOf(Array);
  });

  test("what was stored before a redirect is there at the next request", () => {
    const browser = newBrowser();
    browser.visit((session) => session.set("step", 1), { method: "POST" });
    expect(browser.open().get("step")).toBe(1);
  });

  test("commit answers once: a second time there is nothing to send", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    const session = atOnce(sessions.open(requestOf()));
    session.set("a", 1);
    expect(atOnce(sessions.commit(session))).not.toEqual([]);
    expect(atOnce(sessions.commit(session))).toEqual([]);
  });

  test("a commit that fails sends nothing, and the browser keeps what it has", () => {
    const browser = newBrowser();
    browser.visit((session) => session.set("a", 1));
    const { cookie } = browser;
    const session = browser.open();
    session.set("a", "x".repeat(5_000));
    expect(() => browser.answer(session)).toThrow(expect.objectContaining({ code: "cookie_too_large", status: 500 }));
    expect(atOnce(browser.sessions.commit(session))).toEqual([]);
    expect(browser.cookie).toBe(cookie);
    expect(browser.open().get("a")).toBe(1);
  });

  test("a cookie that does not open is left alone, until something is stored", () => {
    const browser = newBrowser();
    browser.cookies.set("__Host-Http-session", "junk");
    browser.visit((session) => [session.get("a"), session.userId, session.flashes()]);
    browser.visit((session) => session.logout());
    browser.visit((session) => session.destroy());
    expect(browser.setCookies).toEqual([]);
    browser.visit((session) => session.set("a", 1));
    expect(browser.open().get("a")).toBe(1);
  });

  test("a session is one object for one request: two at once have data of their own", () => {
    const browser = newBrowser();
    browser.visit((session) => session.set("cart", { items: ["a"] }));
    const [one, two] = [browser.open(), browser.open()];
    (one.get("cart") as { items: string[] }).items.push("b");
    one.set("only", "one");
    expect(two.get("cart")).toEqual({ items: ["a"] });
    expect(two.has("only")).toBe(false);
    browser.answer(one);
    expect(two.get("cart")).toEqual({ items: ["a"] });
    expect(browser.open().get("cart")).toEqual({ items: ["a", "b"] });
  });
});

describe("several cookies of the session's name", () => {
  const good = cookieOf({ who: "ann" });
  const other = cookieOf({ who: "bob" });
  const forged = `${good.slice(0, -2)}AA`;
  const foreign = cookieOf({ who: "eve" }, { app: "other" });
  const name = "__Host-Http-session";

  test.each<[what: string, values: string[], who: string | undefined]>([
    ["the first opens", [good, forged], "ann"],
    ["the second opens", [forged, good], "ann"],
    ["the tenth opens", [...new Array<string>(9).fill(forged), good], "ann"],
    ["the first of two that open", [good, other], "ann"],
    ["and the other way round", [other, good], "bob"],
    ["junk of all kinds before it", ["", '"', "junk", foreign, good], "ann"],
    ["a quoted one", [`"${good}"`], "ann"],
    ["none opens", [forged, foreign, "junk"], undefined],
  ])("are tried in their order, and never merged: %s", (_, values, who) => {
    expect(openWith(values.map((value) => `${name}=${value}`).join("; ")).get("who")).toBe(who);
    expect(openWith(values.map((value) => `${name}=${value}`).join(";")).keys()).toEqual(
      who === undefined ? [] : ["who"],
    );
  });

  test("are passed over when they have expired or were ended", () => {
    const clock = new Clock();
    const sessions = createSessions<Data>({ secret: SECRET, now: clock.now });
    const [old, ended, live] = [new Browser(sessions), new Browser(sessions), new Browser(sessions)];
    old.visit((session) => session.set("who", "old"));
    clock.pass(HOUR);
    for (const browser of [ended, live])
      browser.visit((session) => session.set("who", browser === live ? "live" : "ended"));
    const copy = ended.copy();
    ended.visit((session) => session.logout());
    const cookie = [old, copy, live].map((browser) => browser.cookieHeader).join("; ");
    expect(atOnce(sessions.open(requestOf({ cookie }))).get("who")).toBe("live");
  });

  test("of names that only look alike are others", () => {
    for (const alike of [
      "session",
      "__Secure-session",
      "__host-http-session",
      "x__Host-Http-session",
      "__Host-Http-sessionx",
    ]) {
      expect(openWith(`${alike}=${good}`).isNew).toBe(true);
    }
  });
});

describe("the cookie's name", () => {
  test.each<[cookie: object, name: string]>([
    [{}, "__Host-Http-session"],
    [{ path: "/" }, "__Host-Http-session"],
    [{ sameSite: "none" }, "__Host-Http-session"],
    [{ domain: "shop.example" }, "__Secure-session"],
    [{ path: "/app" }, "__Secure-session"],
    [{ secure: false }, "session"],
    [{ secure: false, path: "/app" }, "session.app"],
    [{ secure: false, domain: "shop.example" }, "session~shop.example"],
    [{ name: "sid" }, "sid"],
  ])("with %j is %s", (cookie, name) => {
    const browser = newBrowser({ cookie });
    browser.visit((session) => session.set("a", 1));
    expect([...browser.cookies.keys()]).toEqual([name]);
    expect(browser.open().get("a")).toBe(1);
  });

  test("is sealed in: a cookie under another name does not open", () => {
    const value = cookieOf({ a: 1 }, { cookie: { name: "one" } });
    expect(openWith(`one=${value}`, { cookie: { name: "one" } }).get("a")).toBe(1);
    expect(openWith(`two=${value}`, { cookie: { name: "two" } }).isNew).toBe(true);
    expect(openWith(`__Host-Http-session=${value}`).isNew).toBe(true);
  });

  test("and the attributes are in the line that deletes", () => {
    const browser = newBrowser({
      cookie: { domain: "shop.example", path: "/app", sameSite: "strict", priority: "high" },
    });
    browser.visit((session) => session.set("a", 1));
    const attributes = "; Domain=shop.example; Path=/app; HttpOnly; Secure; SameSite=Strict; Priority=High";
    expect(browser.setCookies[0]?.endsWith(attributes)).toBe(true);
    browser.visit((session) => session.destroy());
    expect(browser.setCookies).toEqual([`__Secure-session=; Max-Age=0${attributes}`]);
  });
});

describe("the app's name", () => {
  test("keeps two apps with one secret from taking each other's cookies", () => {
    const value = cookieOf({ a: 1 }, { app: "shop" });
    const cookie = `__Host-Http-session=${value}`;
    expect(openWith(cookie, { app: "shop" }).get("a")).toBe(1);
    for (const app of ["", "admin", "shop/", "Shop", "shop ", "shop/490895"])
      expect(openWith(cookie, { app }).isNew).toBe(true);
  });
});

describe("secrets", () => {
  function rotating(): { browser: Browser<Data>; use: (...secrets: string[]) => void } {
    let current: string[] = [SECRET];
    const browser = newBrowser({ secret: () => current });
    return {
      browser,
      use: (...secrets) => {
        current = secrets;
      },
    };
  }

  test("the first seals and all open; what an older one opened is answered with the current one", () => {
    const { browser, use } = rotating();
    browser.visit((session) => session.set("a", 1));
    const before = browser.open();
    use(OTHER_SECRET, SECRET);
    browser.visit((session) => expect(session.get("a")).toBe(1));
    expect(browser.setCookies).toHaveLength(1);
    expect(browser.open().id).toBe(before.id);
    use(OTHER_SECRET);
    browser.visit((session) => expect(session.get("a")).toBe(1));
    expect(browser.setCookies).toEqual([]);
  });

  test("a list is what a function would return", () => {
    const value = cookieOf({ a: 1 });
    const cookie = `__Host-Http-session=${value}`;
    expect(openWith(cookie, { secret: [OTHER_SECRET, SECRET] }).get("a")).toBe(1);
    expect(openWith(cookie, { secret: [SECRET, SECRET] }).get("a")).toBe(1);
    expect(openWith(cookie, { secret: [OTHER_SECRET] }).isNew).toBe(true);
  });

  test("a retired one opens nothing, not even what was remembered", () => {
    const { browser, use } = rotating();
    browser.visit((session) => session.set("a", 1));
    expect(browser.open().get("a")).toBe(1);
    use(OTHER_SECRET);
    expect(browser.open().isNew).toBe(true);
    browser.visit((session) => session.get("a"));
    expect(browser.setCookies).toEqual([]);
    use(SECRET);
    expect(browser.open().get("a")).toBe(1);
  });

  test("a function that comes to have none is a TypeError at use, and no session opens meanwhile", () => {
    const { browser, use } = rotating();
    browser.visit((session) => session.set("a", 1));
    use();
    expect(() => browser.open().get("a")).toThrow(/npx flagon secret/);
    use(SECRET);
    expect(browser.open().get("a")).toBe(1);
  });

  test("a function that comes to have a weak one is a TypeError at use", () => {
    const { browser, use } = rotating();
    browser.visit((session) => session.set("a", 1));
    use("short");
    expect(() => browser.open().get("a")).toThrow(/^the session secret is no text of 32 bytes;/);
  });
});

describe("what sealed cookies cannot do", () => {
  const sessions: Sessions<Data> = createSessions<Data>({ secret: SECRET });

  test.each<[method: string, act: () => Promise<unknown>, words: RegExp]>([
    ["list", () => sessions.list("ann"), /store/],
    ["revoke", () => sessions.revoke("AAECAwQFBgcICQoLDA0ODw"), /revocations/],
    ["revokeUser", () => sessions.revokeUser("ann"), /revocations/],
  ])("is a TypeError that says what to pass: %s", async (_, act, words) => {
    await expect(act()).rejects.toThrow(TypeError);
    await expect(act()).rejects.toThrow(words);
  });

  test("count is a TypeError", async () => {
    await expect(sessions.count()).rejects.toThrow(TypeError);
  });

  test("prune has nothing to do", async () => {
    await expect(sessions.prune()).resolves.toBe(0);
  });
});

describe("sessionsFrom", () => {
  test("takes options, or the sessions made of them", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    expect(sessionsFrom(sessions)).toBe(sessions);
    const made = sessionsFrom<Data>({ secret: SECRET });
    expect(atOnce(made.open(requestOf())).isNew).toBe(true);
  });
});

describe("options that make no sense", () => {
  test.each<[what: string, options: object, words: RegExp]>([
    ["store and revocations", { store: memoryStore(), revocations: memoryStore() }, /store.*revocations/],
    ["a store that is none", { store: {} }, /store must be a Store/],
    ["a client for a store", { store: { get: () => null, set: () => null } }, /store must be a Store/],
    ["a cache below zero", { cache: -1 }, /cache/],
    ["half a cookie", { cache: 1.5 }, /cache/],
    ["a cache of many", { cache: Number.POSITIVE_INFINITY }, /cache/],
    ["a cache of text", { cache: "1000" }, /cache/],
    ["no until", { upgradeFrom: [{ codec: sealed }] }, /until/],
    ["an until that is no date", { upgradeFrom: [{ codec: sealed, until: "soon" }] }, /until/],
    ["an until that is no date either", { upgradeFrom: [{ codec: sealed, until: new Date(Number.NaN) }] }, /until/],
    ["a store's time of nothing", { storeTimeout: 0 }, /storeTimeout/],
    ["a cookie name with a blank", { cookie: { name: "a b" } }, /^cookie cannot be .*"name":/],
    ["an empty cookie name", { cookie: { name: "" } }, /^cookie cannot be .*"name":/],
    ["a domain with __Host-", { cookie: { name: "__Host-a", domain: "shop.example" } }, /domain/],
  ])("are a TypeError at construction: %s", (_, options, words) => {
    expect(() => createSessions({ secret: SECRET, ...options })).toThrow(TypeError);
    expect(() => createSessions({ secret: SECRET, ...options })).toThrow(words);
  });

  test("are not these", () => {
    for (const cache of [0, 1, 5, 100_000]) {
      const browser = newBrowser({ cache });
      browser.visit((session) => session.set("a", 1));
      expect(browser.open().get("a")).toBe(1);
    }
  });
});

describe("a header that a visitor sends", () => {
  const lines = (
    headers: Record<string, string>,
    method = "GET",
    url = "https://shop.example/",
  ): readonly HeaderLine[] => {
    const sessions = createSessions<Data>({ secret: SECRET });
    const session = atOnce(sessions.open(requestOf(headers, method, url)));
    session.get("a");
    session.flashes();
    session.login("ann");
    return atOnce(sessions.commit(session));
  };
  const odd = [
    "",
    " ",
    "\0",
    "null",
    ";",
    "=",
    "a".repeat(100_000),
    "é",
    "\ud800",
    "[::1",
    "]:",
    "http://",
    "%",
    "\r\n",
    "😀",
    "🏴".repeat(9),
  ];
  const names = [
    "host",
    "origin",
    "user-agent",
    "sec-purpose",
    "purpose",
    "x-moz",
    "upgrade",
    "forwarded",
    "cookie",
    "sec-fetch-site",
  ];

  test.each(names)("is no error in a GET: %s", (name) => {
    for (const value of odd) {
      expect(lines({ [name]: value })).toHaveLength(3);
      expect(lines({ [name]: value }, "GET", "http://localhost:3000/")).toHaveLength(3);
    }
  });

  test("is no error in a URL either", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    for (const url of [
      "",
      "/",
      "x",
      "http:",
      "http://",
      "https://?",
      "://",
      "http://[",
      "\0",
      "http://a b/",
      "a".repeat(100_000),
    ]) {
      const session = atOnce(sessions.open({ method: "GET", url, header: () => undefined }));
      session.set("a", 1);
      expect(atOnce(sessions.commit(session))).toHaveLength(3);
    }
  });
});

test("a visitor's session outlives many others in the memory for verified cookies", () => {
  const clock = new Clock();
  const sessions = createSessions<Data>({ secret: SECRET, now: clock.now, cache: 4 });
  const ann = new Browser(sessions);
  ann.visit((session) => session.set("who", "ann"));
  for (let i = 0; i < 100; i++) new Browser(sessions).visit((session) => session.set("who", i));
  clock.pass(MINUTE);
  expect(ann.open().get("who")).toBe("ann");
});
