import fc from "fast-check";
import {
  createSessions,
  type HeaderLine,
  type OpenRequest,
  type Session,
  SessionError,
  type SessionOptions,
  type Sessions,
} from "flagon";
import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { type Data, type Headers, requestOf, SECRET } from "../browser.ts";

type Csrf = NonNullable<SessionOptions<Data>["csrf"]>;

const HTTPS = "https://shop.example/pay";
const HTTP = "http://shop.example/pay";

function refusal(headers: Headers, { method = "POST", url = HTTPS, csrf = true as Csrf } = {}): SessionError | null {
  try {
    createSessions({ secret: SECRET, csrf }).open(requestOf(headers, method, url));
    return null;
  } catch (error) {
    if (error instanceof SessionError) return error;
    throw error;
  }
}

// What is told late is of the test that it belongs to.
afterEach(() => vi.dynamicImportSettled());

const changing = ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "QUERY", "post", "get", "PROPFIND", ""];
const reading = ["GET", "HEAD", "OPTIONS"];
const foreign: Headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };

describe("a request that another site made the browser send", () => {
  test.each(changing)("is refused with the method %j", (method) => {
    expect(refusal(foreign, { method })).toMatchObject({ code: "cross_site_request", status: 403, expose: true });
  });

  test.each(reading)("passes with %s, which changes nothing", (method) => {
    expect(refusal(foreign, { method })).toBeNull();
  });

  test("passes everything with csrf: false", () => {
    for (const method of [...changing, ...reading]) expect(refusal(foreign, { method, csrf: false })).toBeNull();
  });
});

const pass = "passes";
const no = "refused";
const table: [site: string | undefined, origin: string | undefined, https: string, http: string][] = [
  // Sec-Fetch-Site decides where there is one: the browser knows.
  ["same-origin", undefined, pass, pass],
  ["same-origin", "https://shop.example", pass, pass],
  ["same-origin", "https://evil.example", pass, pass],
  ["same-origin", "null", pass, pass],
  ["none", undefined, pass, pass],
  ["none", "https://evil.example", pass, pass],
  ["same-site", undefined, no, no],
  ["same-site", "https://shop.example", no, no],
  ["same-site", "https://blog.shop.example", no, no],
  ["cross-site", undefined, no, no],
  ["cross-site", "https://shop.example", no, no],
  ["cross-site", "null", no, no],
  ["", undefined, no, no],
  ["Same-Origin", undefined, no, no],
  ["same-origin, cross-site", undefined, no, no],
  ["cross-site, same-origin", undefined, no, no],
  ["same-origin ", undefined, no, no],

  // Else Origin has to be this host.
  [undefined, "https://shop.example", pass, pass],
  // No browser writes the scheme's own port.
  [undefined, "https://shop.example:443", no, no],
  [undefined, "http://shop.example", no, pass],
  [undefined, "http://shop.example:80", no, no],
  [undefined, "https://shop.example:8443", no, no],
  [undefined, "http://shop.example:8080", no, no],
  [undefined, "https://shop.example:80", no, no],
  [undefined, "http://shop.example:443", no, no],
  [undefined, "https://evil.example", no, no],
  [undefined, "https://shop.example.evil.example", no, no],
  [undefined, "https://evil.shop.example", no, no],
  [undefined, "https://evil-shop.example", no, no],
  [undefined, "https://shop.example@evil.example", no, no],
  [undefined, "https://shop.example/", no, no],
  [undefined, "https://shop.example https://evil.example", no, no],
  [undefined, "https://shop.example, https://evil.example", no, no],
  [undefined, "shop.example", no, no],
  [undefined, "//shop.example", no, no],
  [undefined, "ftp://shop.example", no, no],
  [undefined, "https:shop.example", no, no],
  [undefined, "chrome-extension://abcdef", no, no],
  [undefined, "null", no, no],
  [undefined, "", no, no],

  // Neither: no browser, and nobody's cookie against their will.
  [undefined, undefined, pass, pass],
];

describe("a POST", () => {
  test.each(table)(
    "with Sec-Fetch-Site %j and Origin %j is %s over https, %s over http",
    (site, origin, https, http) => {
      const headers = { origin, "sec-fetch-site": site };
      expect([
        refusal(headers, { url: HTTPS }) === null ? pass : no,
        refusal(headers, { url: HTTP }) === null ? pass : no,
      ]).toEqual([https, http]);
    },
  );

  test.each<[host: string | undefined, url: string, origin: string, expected: string]>([
    ["shop.example", HTTP, "https://shop.example", pass],
    ["SHOP.example", HTTPS, "https://shop.example", pass],
    ["shop.example:443", HTTPS, "https://shop.example", pass],
    ["shop.example:80", HTTP, "http://shop.example", pass],
    ["shop.example:8080", "http://shop.example:8080/", "http://shop.example:8080", pass],
    ["shop.example:8080", "http://shop.example:8080/", "http://shop.example", no],
    ["shop.example:80", HTTPS, "https://shop.example", no],
    [undefined, HTTPS, "https://shop.example", pass],
    [undefined, "https://shop.example", "https://shop.example", pass],
    [undefined, "https://shop.example?x=https://evil.example", "https://evil.example", no],
    [undefined, "https://shop.example#https://evil.example", "https://shop.example", pass],
    ["[::1]:3000", "http://[::1]:3000/", "http://[::1]:3000", pass],
    ["", HTTPS, "https://shop.example", no],
    ["evil.example", HTTPS, "https://evil.example", pass],
    ["shop.example\0", HTTPS, "https://shop.example", no],
  ])("to the host %j at %s from %s is %s", (host, url, origin, expected) => {
    expect(refusal({ host, origin }, { url }) === null ? pass : no).toBe(expected);
  });

  test.each<[headers: Headers, http: string]>([
    [{ "x-forwarded-proto": "https" }, no],
    [{ "x-forwarded-proto": "HTTPS" }, no],
    [{ "x-forwarded-proto": "https, http" }, no],
    [{ "x-forwarded-proto": "http,https" }, no],
    [{ forwarded: "for=192.0.2.1;proto=https;host=shop.example" }, no],
    [{ forwarded: 'for=192.0.2.1; Proto="HTTPS"' }, no],
    [{ forwarded: "proto=http, for=192.0.2.1;proto=https" }, no],
    [{ "x-forwarded-proto": "http" }, pass],
    [{ "x-forwarded-proto": "" }, pass],
    [{ forwarded: "for=192.0.2.1;proto=http;host=https.example" }, pass],
    [{ forwarded: "for=192.0.2.1" }, pass],
    [{ "x-forwarded-for": "192.0.2.1" }, pass],
  ])("that a proxy got over TLS, as %j says, comes from no page over http", (headers, http) => {
    expect(refusal({ ...headers, origin: "http://shop.example" }, { url: HTTP }) === null ? pass : no).toBe(http);
    expect(refusal({ ...headers, origin: "https://shop.example" }, { url: HTTP })).toBeNull();
    expect(
      refusal({ ...headers, origin: "http://shop.example", "sec-fetch-site": "same-origin" }, { url: HTTP }),
    ).toBeNull();
  });
});

describe("the refusal", () => {
  const told = (headers: Headers, url = HTTP): string => refusal(headers, { url })?.message ?? "";

  test.each<[headers: Headers, message: string]>([
    [
      { host: "localhost:3000", origin: "http://localhost:5173", "sec-fetch-site": "same-site" },
      'cross-site request refused: its Origin is http://localhost:5173, this server\'s http://localhost:3000; if the page is yours, pass csrf: { trustedOrigins: ["http://localhost:5173"] }',
    ],
    [
      { host: "api.example", origin: "capacitor://localhost", "sec-fetch-site": "cross-site" },
      'cross-site request refused: its Origin is capacitor://localhost, this server\'s http://api.example; if the page is yours, pass csrf: { trustedOrigins: ["capacitor://localhost"] }',
    ],
    [
      { origin: "null", "sec-fetch-site": "cross-site" },
      "cross-site request refused: its Origin is null, this server's http://shop.example; Referrer-Policy: no-referrer, a sandbox, a redirect or a proxy hides the page's; if you expect the form post, pass csrf: { exempt }",
    ],
    [
      { "sec-fetch-site": "cross-site" },
      "cross-site request refused: its Origin is missing, this server's http://shop.example; Referrer-Policy: no-referrer, a sandbox, a redirect or a proxy hides the page's; if you expect the form post, pass csrf: { exempt }",
    ],
    [
      {
        host: "10.0.0.7:3000",
        origin: "https://shop.example",
        "x-forwarded-host": "shop.example",
        "x-forwarded-proto": "https",
      },
      'cross-site request refused: its Origin is https://shop.example, this server\'s https://10.0.0.7:3000; a proxy says "shop.example" and is not trusted: have it pass Host on, or set "trust proxy" (Express), trustProxy (Fastify), app.proxy (Koa); if the page is yours, pass csrf: { trustedOrigins: ["https://shop.example"] }',
    ],
  ])("of %j names what was seen, what it was compared with, and what mends it", (headers, message) => {
    expect(told(headers)).toBe(message);
  });

  test.each<[headers: Headers, own: string]>([
    [{}, "http://shop.example"],
    [{ "x-forwarded-proto": "https" }, "https://shop.example"],
    [{ forwarded: "proto=https" }, "https://shop.example"],
    [{ host: "shop.example:8080" }, "http://shop.example:8080"],
  ])("with %j names %s as this server's origin", (headers, own) => {
    expect(told({ ...headers, origin: "https://evil.example" })).toContain(`this server's ${own};`);
  });

  test.each<[headers: Headers, isProxys: boolean]>([
    [{ "x-forwarded-host": "shop.example" }, true],
    [{ "x-forwarded-host": "shop.example, inner.example" }, true],
    [{ forwarded: 'for=192.0.2.1;host="shop.example";proto=https' }, true],
    [{ "x-forwarded-host": "other.example" }, false],
    [{ "x-forwarded-for": "shop.example" }, false],
    [{ "x-forwarded-proto": "https" }, false],
    // Trusted: it is what the framework says that the host is.
    [{ "x-forwarded-host": "shop.example", "x-forwarded-proto": "https", host: "shop.example" }, false],
    [{}, false],
  ])("with %j speaks of a proxy: %j", (headers, isProxys) => {
    expect(
      told({ host: "10.0.0.7", ...headers, origin: "http://shop.example", "sec-fetch-site": "cross-site" }),
    ).toSatisfy((message: string) => message.includes("trust proxy") === isProxys);
  });

  test("holds nothing that a visitor could break a page, a terminal or a log with", () => {
    const nasty = `https://<script>alert('1')</script>"\r\n\x1b[31m\x9b\u202e\u{1f36a}&%s\\\0${"a".repeat(10_000)}`;
    for (const headers of [
      { origin: nasty },
      { origin: "https://evil.example", host: nasty },
      { origin: nasty, "x-forwarded-host": nasty, forwarded: nasty, host: "shop.example" },
    ]) {
      const message = told(headers);
      expect(message).toContain("https://%3cscript%3ealert%28%271%27%29%3c/script%3e");
      // What Flagon itself writes there, and no more.
      expect(message).toMatch(/^[\w .,:;=/%[\]{}()"'-]*$/);
      expect(message.length).toBeLessThan(3_000);
      expect(message.split('"').length).toBeLessThan(8);
    }
  });

  test("of any header is a refusal", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.webUrl(),
      fc.constantFrom("null", "//", "https://", "", "a://b"),
    );
    const names = ["origin", "host", "sec-fetch-site", "x-forwarded-host", "x-forwarded-proto", "forwarded"];
    fc.assert(
      fc.property(fc.record(Object.fromEntries(names.map((name) => [name, text]))), (headers) => {
        const refused = refusal({ ...(headers as Headers), "sec-fetch-site": "cross-site" });
        expect(refused?.status).toBe(403);
        expect(refused?.message).toMatch(/^[\w .,:;=/%[\]{}()"'-]*$/);
      }),
    );
  });

  test("is told whoever runs the app once for each origin, and of a hundred at most", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    try {
      const message = told({ origin: "https://evil.example" });
      for (let n = 0; n < 3; n += 1) refusal({ origin: "https://evil.example" });
      await vi.waitFor(() => expect(warn).toHaveBeenCalled());
      expect(warn.mock.calls).toEqual([[message, { type: "FlagonWarning", code: "FLAGON_CROSS_SITE" }]]);
      for (let n = 0; n < 200; n += 1) refusal({ origin: `https://${n}.example` });
      await vi.waitFor(() => expect(warn.mock.calls.length).toBeGreaterThanOrEqual(100));
      await new Promise((resolve) => setImmediate(resolve));
      expect(warn.mock.calls.length).toBe(100);
      expect(warn.mock.calls.at(-1)?.[0]).toMatch(/98\.example.*; this process warns of no further origins$/);
    } finally {
      warn.mockRestore();
    }
  });
});

describe("csrf.trustedOrigins", () => {
  const csrf: Csrf = { trustedOrigins: ["https://admin.example", "http://localhost:5173"] };

  test.each([
    [{ origin: "https://admin.example" }, pass],
    [{ origin: "https://admin.example", "sec-fetch-site": "cross-site" }, pass],
    [{ origin: "https://admin.example", "sec-fetch-site": "same-site" }, pass],
    [{ origin: "http://localhost:5173", "sec-fetch-site": "cross-site" }, pass],
    [{ origin: "https://admin.example.evil.example", "sec-fetch-site": "cross-site" }, no],
    [{ origin: "https://sub.admin.example" }, no],
    [{ origin: "http://admin.example" }, no],
    [{ origin: "https://admin.example:8443" }, no],
    [{ origin: "https://ADMIN.example" }, no],
    [{ "sec-fetch-site": "cross-site" }, no],
    [{ referer: "https://admin.example/", "sec-fetch-site": "cross-site" }, no],
    [{ origin: "null" }, no],
  ])("lets exact origins through: %j %s", (headers, expected) => {
    expect(refusal(headers, { csrf }) === null ? pass : no).toBe(expected);
  });

  test.each([
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "http://tauri.localhost",
    "https://localhost",
    "app://obsidian.md",
    "file://",
    "chrome-extension://ppolomdcjdfcgkpldkbcmoidjgnoalem",
    "moz-extension://4ed7f644-c3b5-4bf1-983f-2c8718f52222",
    "safari-web-extension://4ed7f644-c3b5-4bf1-983f-2c8718f52222",
    "vscode-webview://0v3kq8",
    "http://localhost:5173",
    "http://[::1]:5173",
    "https://xn--mller-kva.example",
    "app+1.x-y://host:80",
  ])("takes any origin that a browser sends: %s", (origin) => {
    const csrf = { trustedOrigins: [origin] };
    for (const site of [undefined, "cross-site", "same-site"]) {
      expect(refusal({ origin, "sec-fetch-site": site }, { csrf })).toBeNull();
      for (const other of [`${origin}/`, `${origin}:81`, `${origin}.evil`, origin.toUpperCase(), ` ${origin}`]) {
        expect(refusal({ origin: other, "sec-fetch-site": site }, { csrf })?.status).toBe(403);
      }
    }
  });

  test.each<[given: string, right: string]>([
    ["https://admin.example/", "https://admin.example"],
    ["http://localhost:5173/", "http://localhost:5173"],
    ["https://admin.example/path?query#hash", "https://admin.example"],
    ["https://admin.example:443", "https://admin.example"],
    ["http://admin.example:80", "http://admin.example"],
    ["https://ADMIN.example", "https://admin.example"],
    ["HTTPS://admin.example", "https://admin.example"],
    ["https://user:pw@admin.example", "https://admin.example"],
    ["https://müller.example", "https://xn--mller-kva.example"],
    [" https://admin.example", "https://admin.example"],
    ["capacitor://localhost/", "capacitor://localhost"],
    ["Capacitor://LOCALHOST", "capacitor://localhost"],
    ["chrome-extension://abc/popup.html", "chrome-extension://abc"],
    ["file:///", "file://"],
  ])("says what %j should be: %s", (given, right) => {
    const make = (): unknown => createSessions({ secret: SECRET, csrf: { trustedOrigins: [given] } });
    expect(make).toThrow(
      new TypeError(`csrf.trustedOrigins: "${given}" is not an origin as browsers send it; pass "${right}"`),
    );
    expect(() => createSessions({ secret: SECRET, csrf: { trustedOrigins: [right] } })).not.toThrow();
  });

  test.each([
    "admin.example",
    "localhost:5173",
    "//admin.example",
    "https://*.example",
    "https://",
    "capacitor://",
    "mailto:ann@example.com",
    "data:,x",
    "blob:https://admin.example/1",
    "*",
    "null",
    1,
    {},
  ])("takes nothing else: %j is a TypeError that shows an example", (origin) => {
    const make = (): unknown => createSessions({ secret: SECRET, csrf: { trustedOrigins: [origin as string] } });
    const example = 'pass one such as "https://app.example" or "capacitor://localhost"';
    expect(make).toThrow(
      new TypeError(`csrf.trustedOrigins: "${origin}" is not an origin as browsers send it; ${example}`),
    );
  });

  test.each(["", null, undefined, new URL("https://admin.example")])("takes no %j", (origin) => {
    const make = (): unknown => createSessions({ secret: SECRET, csrf: { trustedOrigins: [origin as string] } });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(/csrf\.trustedOrigins/);
  });
});

describe("csrf.exempt", () => {
  test("lets through what it says true to, and is asked only about what would be refused", () => {
    const exempt = vi.fn((request: OpenRequest) => request.url.endsWith("/webhook"));
    expect(refusal(foreign, { url: "https://shop.example/webhook", csrf: { exempt } })).toBeNull();
    expect(exempt).toHaveBeenCalledOnce();
    expect(refusal(foreign, { csrf: { exempt } })?.status).toBe(403);
    expect(exempt).toHaveBeenCalledTimes(2);
    refusal({ "sec-fetch-site": "same-origin" }, { csrf: { exempt } });
    refusal(foreign, { method: "GET", csrf: { exempt } });
    expect(exempt).toHaveBeenCalledTimes(2);
  });

  test.each([undefined, 1, "yes", {}])("lets nothing through for %j, which is not true", (answer) => {
    expect(refusal(foreign, { csrf: { exempt: () => answer as boolean } })?.status).toBe(403);
  });
});

describe.each<[backend: string, options: () => Partial<SessionOptions<Data>>]>([
  ["the cookie", () => ({})],
  ["the cookie, with revocations", () => ({ revocations: memoryStore() })],
  ["a store", () => ({ store: memoryStore() })],
])("an exempt request of another site, with sessions in %s", (_, options) => {
  const post: Headers = { origin: "https://id.example", "sec-fetch-site": "cross-site" };
  const setUp = (more: Partial<SessionOptions<Data>> = {}): Sessions<Data> =>
    createSessions<Data>({ secret: SECRET, csrf: { exempt: () => true }, ...options(), ...more });

  /** The header lines that `act` comes to. */
  async function lines(
    sessions: Sessions<Data>,
    headers: Headers,
    act: (session: Session<Data>) => unknown,
  ): Promise<readonly HeaderLine[]> {
    const session = await sessions.open(requestOf(headers, "POST"));
    await act(session);
    return await sessions.commit(session);
  }

  test.each<[what: string, act: (session: Session<Data>) => unknown]>([
    ["signs in", (session) => session.login("mallory")],
    ["sets", (session) => session.set("a", 1)],
    ["flashes", (session) => session.flash("hello")],
    ["asks for a CSRF token", (session) => session.csrfToken()],
    ["is made permanent and signs in", (session) => session.login("mallory", { permanent: true })],
    ["saves", (session) => session.set("a", 1).save()],
    [
      "saves a sign-in whose failure nobody hears",
      (session) => {
        session.login("mallory");
        return session.save().catch(() => {});
      },
    ],
  ])("begins no session that would replace the visitor's: one that %s is refused", async (_, act) => {
    for (const site of ["cross-site", undefined]) {
      await expect(lines(setUp(), { ...post, "sec-fetch-site": site }, act)).rejects.toMatchObject({
        name: "SessionError",
        code: "cross_site_request",
        status: 403,
        message: expect.stringMatching(/Origin is https:\/\/id\.example.*docs\/guide\.md/),
      });
    }
  });

  test("may read, and sets no cookie", async () => {
    expect(await lines(setUp(), post, () => {})).toEqual([]);
    const read = await lines(setUp(), post, (session) => [session.get("a"), session.flashes(), session.userId]);
    expect(read.map(([name]) => name)).toEqual(["Vary", "Cache-Control"]);
    const ended = await lines(setUp(), post, (session) => session.logout());
    expect(ended.map(([name]) => name)).not.toContain("Set-Cookie");
  });

  test("goes on with the session whose cookie came along", async () => {
    const sessions = setUp();
    const session = await sessions.open(requestOf({}, "POST"));
    session.set("a", 1);
    const [[, line = ""] = []] = await sessions.commit(session);
    const cookie = line.split(";")[0];
    const signedIn = await lines(sessions, { ...post, cookie }, (session) => session.login("ann"));
    expect(signedIn[0]?.[0]).toBe("Set-Cookie");
    const signedOut = await lines(sessions, { ...post, cookie }, (session) => session.logout());
    expect(signedOut[0]?.[0]).not.toBeUndefined();
  });

  test("begins one where nothing would be replaced", async () => {
    const login = (session: Session<Data>): void => session.login("ann");
    // Lax cookies are sent within a site; a cookie for all sites would have been sent; a webhook has no browser.
    for (const [headers, more] of [
      [{ ...post, "sec-fetch-site": "same-site" }, {}],
      [{ ...post, "sec-fetch-site": "same-origin" }, {}],
      [post, { cookie: { sameSite: "none" } }],
      [{}, {}],
      [post, { csrf: { trustedOrigins: ["https://id.example"] } }],
      [post, { csrf: false }],
    ] as const) {
      expect((await lines(setUp(more), headers, login))[0]?.[0]).toBe("Set-Cookie");
    }
    await expect(lines(setUp({ cookie: { sameSite: "strict" } }), post, login)).rejects.toThrow(SessionError);
  });

  test("is told whoever runs the app", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    try {
      for (let n = 0; n < 2; n += 1) await lines(setUp(), post, (session) => session.login("a")).catch(() => {});
      expect(warn.mock.calls).toEqual([
        [
          expect.stringMatching(/^no session begins in a request of another site/),
          expect.objectContaining({ code: "FLAGON_CROSS_SITE" }),
        ],
      ]);
    } finally {
      warn.mockRestore();
    }
  });
});

describe("a WebSocket handshake", () => {
  const upgrade = (more: Headers): Headers => ({ connection: "Upgrade", upgrade: "websocket", ...more });

  test.each<[headers: Headers, expected: string]>([
    [{ origin: "https://evil.example" }, no],
    [{ origin: "https://evil.example", "sec-fetch-site": "cross-site" }, no],
    [{ origin: "https://shop.example" }, pass],
    [{ origin: "https://shop.example", "sec-fetch-site": "same-origin" }, pass],
    [{ origin: "null" }, no],
    [{}, pass],
  ])("is checked though it is a GET: %j %s", (headers, expected) => {
    for (const upgradeTo of ["websocket", "WebSocket"]) {
      expect(refusal({ ...upgrade(headers), upgrade: upgradeTo }, { method: "GET" }) === null ? pass : no).toBe(
        expected,
      );
    }
  });

  test("over HTTP/2 is a CONNECT, and checked as such", () => {
    expect(refusal(foreign, { method: "CONNECT" })?.status).toBe(403);
  });

  test("is none for other upgrades of a GET", () => {
    expect(refusal({ ...foreign, upgrade: "h2c" }, { method: "GET" })).toBeNull();
  });
});
