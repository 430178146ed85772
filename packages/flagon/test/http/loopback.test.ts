import { createSessions, type OpenRequest, type SessionOptions } from "flagon";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CookieOptions } from "../../src/http/cookie.ts";
import { atOnce, Browser, type Data, type Headers, requestOf, SECRET } from "../browser.ts";

describe("a cookie for a loopback host over plain http", () => {
  afterEach(() => vi.unstubAllEnvs());

  function cookieAt(url: string, headers: Headers = {}, options: object = {}): string {
    const browser = new Browser(createSessions<Data>({ secret: SECRET, ...options }), url);
    browser.visit((session) => session.set("a", 1), { headers });
    return browser.setCookies.join();
  }

  const secure = /^__Host-Http-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/;
  const plain = /^session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/;

  test.each([
    "http://localhost/",
    "http://localhost:3000/",
    "http://LOCALHOST:3000/",
    "http://app.localhost:3000/",
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/",
    "http://127.8.9.10:8080/",
    "http://[::1]/",
    "http://[::1]:3000/",
  ])("is session without Secure at %s, since Safari drops others", (url) => {
    expect(cookieAt(url)).toMatch(plain);
  });

  test.each([
    "https://localhost/",
    "https://127.0.0.1:3000/",
    "http://shop.example/",
    "http://localhost.shop.example/",
    "http://notlocalhost/",
    "http://127.0.0.1.shop.example/",
    "http://128.0.0.1/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "http://0.0.0.0/",
    "http://[::2]/",
    "http://[::ffff:127.0.0.1]/",
  ])("is __Host-Http-session and Secure at %s", (url) => {
    expect(cookieAt(url)).toMatch(secure);
  });

  test.each(["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"])(
    "is Secure when a proxy has left %s, even an empty one",
    (name) => {
      expect(cookieAt("http://localhost:3000/", { [name]: "1" })).toMatch(secure);
      expect(cookieAt("http://localhost:3000/", { [name]: "" })).toMatch(secure);
    },
  );

  test("is Secure in production", () => {
    vi.stubEnv("NODE_ENV", "production");
    expect(cookieAt("http://localhost:3000/")).toMatch(secure);
  });

  test("is Secure where the Host header names another host than the socket", () => {
    expect(cookieAt("http://localhost:3000/", { host: "shop.example" })).toMatch(secure);
  });

  test.each<[cookie: object, expected: RegExp]>([
    [{ secure: true }, /^__Host-Http-session=.*; Secure/],
    [{ secure: false }, /^session=(?!.*Secure)/],
    [{ sameSite: "none" }, /^__Host-Http-session=.*; Secure/],
    [{ partitioned: true }, /^__Host-Http-session=.*; Secure/],
    [{ sameSite: "strict" }, /^session=(?!.*Secure).*SameSite=Strict/],
    [{ name: "sid" }, /^sid=(?!.*Secure)/],
    [{ name: "__Host-sid" }, /^Host-sid=(?!.*Secure)/],
    [{ name: "__Secure-sid", path: "/app" }, /^Secure-sid=(?!.*Secure).*Path=\/app/],
    [{ name: "__Http-sid" }, /^Http-sid=(?!.*Secure)/],
    [{ path: "/admin" }, /^session\.admin=(?!.*Secure).*Path=\/admin/],
  ])("with the options %j", (cookie, expected) => {
    expect(cookieAt("http://localhost:3000/", {}, { cookie })).toMatch(expected);
  });

  test("is deleted as it was written", () => {
    const browser = new Browser(createSessions<Data>({ secret: SECRET }), "http://localhost:3000/");
    browser.visit((session) => session.set("a", 1));
    browser.visit((session) => session.destroy());
    expect(browser.setCookies).toEqual(["session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]);
  });

  test("is not taken for the Secure one, nor the other way round", () => {
    const sessions = createSessions<Data>({ secret: SECRET });
    const local = new Browser(sessions, "http://localhost:3000/");
    local.visit((session) => session.set("a", 1));
    const value = local.cookie;
    for (const name of ["__Host-Http-session", "session"]) {
      const request = requestOf({ cookie: `${name}=${value}` }, "GET", "https://shop.example/");
      expect(atOnce(sessions.open(request)).get("a")).toBeUndefined();
    }
  });
});

/** Whether `session`, without Secure, is the cookie that such a request gets. */
function isPlain(sessions: ReturnType<typeof createSessions<Data>>, given: Partial<OpenRequest> = {}): boolean {
  const request = { ...requestOf({}, "POST", "http://localhost:3000/"), ...direct, ...given };
  const session = atOnce(sessions.open(request));
  session.set("a", 1);
  const line = String(atOnce(sessions.commit(session)).find(([name]) => name === "Set-Cookie")?.[1]);
  expect(line).toMatch(/^(session=(?!.*Secure)|__Host-Http-session=.*; Secure)/);
  return line.startsWith("session=");
}

/** A browser's connection from the same machine. */
const direct = { address: "127.0.0.1", httpVersion: "1.1" };
const proxySeen = Symbol.for("flagon.proxySeen");

function withHeaders(headers: Headers): Partial<OpenRequest> {
  return {
    header: requestOf({ "sec-fetch-site": "same-origin", ...headers }, "POST", "http://localhost:3000/").header,
  };
}

describe.each([undefined, "", "staging"])("where NODE_ENV is %j", (environment) => {
  const warn = vi.spyOn(process, "emitWarning");

  afterEach(() => {
    vi.unstubAllEnvs();
    Reflect.deleteProperty(globalThis, proxySeen);
    warn.mockReset();
  });

  function start(): ReturnType<typeof createSessions<Data>> {
    vi.stubEnv("NODE_ENV", environment);
    warn.mockImplementation(() => {});
    return createSessions<Data>({ secret: SECRET });
  }

  test.each(["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "::FFFF:127.0.0.1"])(
    "the cookie is plain for a browser at %s that speaks HTTP/1.1",
    (address) => {
      expect(isPlain(start(), { address })).toBe(true);
      expect(warn).not.toHaveBeenCalled();
    },
  );

  test.each<[title: string, given: Partial<OpenRequest>]>([
    ["HTTP/1.0, as nginx asks", { httpVersion: "1.0" }],
    ["HTTP/2", { httpVersion: "2.0" }],
    ["a version that nobody knows", { httpVersion: undefined }],
    ["another machine", { address: "192.168.0.7" }],
    ["a container's host", { address: "172.17.0.1" }],
    ["an address that only looks alike", { address: "127.0.0.1.shop.example" }],
    ["a peer that nobody knows, as on a Unix socket", { address: undefined }],
    ["a proxy that tells of itself", withHeaders({ "x-real-ip": "127.0.0.1" })],
    ["another host", { url: "http://shop.example/", header: requestOf({}, "POST", "http://shop.example/").header }],
  ])("the cookie is Secure for %s", (_, given) => {
    const sessions = start();
    expect(isPlain(sessions, given)).toBe(false);
    expect(isPlain(sessions)).toBe(true);
    expect(warn).not.toHaveBeenCalled();
  });

  test.each<Headers>([
    { origin: "https://shop.example" },
    { origin: "http://shop.example:8080" },
    { referer: "https://shop.example/login?next=%2F" },
    { origin: "null", referer: "https://shop.example/" },
    { origin: "http://localhost:3000", referer: "https://localhost.shop.example/" },
  ])("the first %j makes every cookie of the process Secure, and says so once", (headers) => {
    const [sessions, others] = [start(), start()];
    expect(isPlain(sessions)).toBe(true);
    expect(isPlain(sessions, withHeaders(headers))).toBe(false);
    for (const each of [sessions, others, start()]) expect(isPlain(each)).toBe(false);
    expect(isPlain(sessions, withHeaders(headers))).toBe(false);
    expect(warn).toHaveBeenCalledOnce();
    const [message, options] = warn.mock.calls[0] as unknown as [string, object];
    expect(message).toMatch(/^a page of https?:\/\/[\w.]+(:8080)? led to localhost:3000: .*set NODE_ENV=development/);
    expect(message).toContain("NODE_ENV=production");
    expect(options).toMatchObject({ code: "FLAGON_PROXY" });
  });

  test.each<Headers>([
    { origin: "http://localhost:3000", referer: "http://localhost:3000/login" },
    { origin: "https://localhost" },
    { referer: "http://127.0.0.1:5173/" },
    { referer: "http://[::1]:5173/" },
    { origin: "http://app.localhost:3000" },
    { origin: "null" },
    { origin: "" },
    { origin: "capacitor://localhost" },
    { origin: "chrome-extension://abcdefgh" },
    { referer: "about:blank" },
    { referer: "nonsense" },
  ])("%j changes nothing", (headers) => {
    expect(isPlain(start(), withHeaders(headers))).toBe(true);
    expect(warn).not.toHaveBeenCalled();
  });

  test("a foreign page means nothing where the cookie is Secure anyway", () => {
    const sessions = start();
    expect(isPlain(sessions, { ...withHeaders({ referer: "https://shop.example/" }), httpVersion: "1.0" })).toBe(false);
    expect(isPlain(sessions)).toBe(true);
    expect(warn).not.toHaveBeenCalled();
  });
});

test("in development a foreign page, an unknown peer and HTTP/1.0 change nothing", () => {
  vi.stubEnv("NODE_ENV", "development");
  const sessions = createSessions<Data>({ secret: SECRET });
  const foreign = withHeaders({ referer: "https://search.example/" });
  expect(isPlain(sessions, { ...foreign, address: undefined, httpVersion: "1.0" })).toBe(true);
  expect(isPlain(sessions)).toBe(true);
  vi.unstubAllEnvs();
});

describe("two cookies that have two names elsewhere have two on a loopback host", () => {
  const places: CookieOptions[] = [
    {},
    { path: "/admin" },
    { path: "/admin/" },
    { path: "/Admin" },
    { path: "/admin.users" },
    { path: "/admin/users" },
    { path: "/admin~users" },
    { path: "/admin%2eusers" },
    { path: "/a(b)" },
    { path: "/a b" },
    { domain: "admin" },
    { domain: "shop.localhost" },
    { domain: "shop.localhost", path: "/admin" },
    { path: "/admin~shop.localhost" },
    { name: "__Host-shop" },
    { name: "__Secure-shop" },
    { name: "__Http-shop" },
    { name: "__Host-Http-shop" },
    { name: "shop" },
  ];
  /** The name, path and domain that a browser tells cookies apart by. */
  const lineOf = (cookie: CookieOptions, url: string): string => {
    const browser = new Browser(createSessions<Data>({ secret: SECRET, cookie }), url);
    browser.visit((session) => session.login("shopper"));
    return String(browser.setCookies[0]).replace(/=[^;]*/, "");
  };

  test("whatever their paths, domains and prefixes", () => {
    const names = places.map((cookie) => lineOf(cookie, "http://localhost:3000/").split(";")[0]);
    for (const name of names) expect(name).toMatch(/^(?!__)[\w.~%-]+$/);
    expect(new Set(names).size).toBe(places.length);
  });

  test.each<[SessionOptions<Data>, SessionOptions<Data>]>([
    [{}, { cookie: { path: "/admin" } }],
    [{ cookie: { path: "/admin" } }, { cookie: { path: "/admin/users" } }],
    [{ cookie: { domain: "localhost" } }, {}],
    [{ cookie: { name: "__Host-shop" } }, { cookie: { name: "__Secure-shop" } }],
    [{ cookie: { name: "__Host-shop" } }, { cookie: { name: "__Host-Http-shop" } }],
  ])("the user of %j is nobody with %j, and the other way round", (one, other) => {
    const [shop, admin] = [one, other].map((each) => createSessions<Data>({ secret: SECRET, ...each })) as [
      ReturnType<typeof createSessions<Data>>,
      ReturnType<typeof createSessions<Data>>,
    ];
    for (const [own, foreign] of [
      [shop, admin],
      [admin, shop],
    ] as const) {
      const browser = new Browser(own, "http://localhost:3000/admin/users");
      browser.visit((session) => session.login("shopper"));
      expect(browser.open().userId).toBe("shopper");
      // As the browser sends it, and under the other's name.
      const [name = ""] = lineOf(foreign === admin ? (other.cookie ?? {}) : (one.cookie ?? {}), browser.url).split(";");
      for (const cookie of [browser.cookieHeader, `${name}=${browser.cookie}`]) {
        expect(atOnce(foreign.open(requestOf({ cookie }, "GET", browser.url))).userId).toBeNull();
      }
    }
  });
});
