import { createSessions, type SessionOptions } from "flagon";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { atOnce, type Data, type Headers, requestOf, SECRET } from "../browser.ts";

/* A cookie that no browser keeps: the visitor never learns of it, so whoever runs the app does. */

let warn: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  (globalThis as Record<symbol, Map<string, object> | undefined>)[Symbol.for("flagon.memory.v1")]?.clear();
  warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

interface Visit {
  readonly url: string;
  readonly headers?: Headers;
  readonly cookie?: SessionOptions<Data>["cookie"];
  readonly isReading?: boolean;
}

/** The codes of the warnings that a request brings. */
async function told(...visits: Visit[]): Promise<unknown[]> {
  for (const { url, headers = {}, cookie = {}, isReading = false } of visits) {
    const sessions = createSessions<Data>({ secret: SECRET, cookie });
    const session = atOnce(sessions.open(requestOf(headers, "GET", url)));
    if (isReading) session.get("n");
    else session.set("n", 1);
    atOnce(sessions.commit(session));
  }
  // What is fetched late.
  await vi.dynamicImportSettled();
  return warn.mock.calls.map(([, options]: [string, { code: string }]) => options.code);
}

test.each(["http://192.168.0.7:3000/", "http://web/", "http://myapp.test/", "http://[fe80::1]/"])(
  "plain http to %s, where no browser keeps a Secure cookie",
  async (url) => {
    expect(await told({ url })).toEqual(["FLAGON_PLAIN_HTTP"]);
    expect(warn.mock.calls[0]?.[0]).toContain(new URL(url).hostname.replace(/\[|\]/g, ""));
  },
);

test("plain http before a proxy that says so", async () => {
  expect(
    await told({ url: "http://app/", headers: { "x-forwarded-for": "1.2.3.4", "x-forwarded-proto": "http" } }),
  ).toEqual(["FLAGON_PLAIN_HTTP"]);
});

test("is told once, however many hosts a visitor makes up", async () => {
  const urls = Array.from({ length: 20 }, (_, n) => ({ url: `http://host${n}.test/` }));
  expect(await told(...urls)).toEqual(["FLAGON_PLAIN_HTTP"]);
});

test("a host that a visitor made up breaks no log", async () => {
  await told({ url: "http://a.test/", headers: { host: "a\u001b[31m\n\u202e<b>" } });
  expect(warn.mock.calls[0]?.[0]).toMatch(/^[\x20-\x7e]*$/);
});

test.each<[what: string, visit: Visit]>([
  ["over TLS", { url: "https://shop.example/" }],
  [
    "behind a proxy that says that the browser used TLS",
    { url: "http://app/", headers: { "x-forwarded-proto": "https" } },
  ],
  ["behind one that says so by Forwarded", { url: "http://app/", headers: { forwarded: "for=1.2.3.4;proto=https" } }],
  ["behind one that says nothing of TLS", { url: "http://app/", headers: { "x-forwarded-for": "1.2.3.4" } }],
  ["on this machine", { url: "http://localhost:3000/" }],
  ["on this machine, by its address", { url: "http://127.0.0.1:3000/" }],
  ["that is not meant to be Secure", { url: "http://intranet/", cookie: { secure: false } }],
  ["of which no cookie is set", { url: "http://intranet/", isReading: true }],
  ["with a domain that the host is in", { url: "https://shop.example/", cookie: { domain: "shop.example" } }],
  ["with a domain above the host", { url: "https://www.shop.example/", cookie: { domain: ".shop.example" } }],
])("nothing of a visit %s", async (_what, visit) => {
  expect(await told(visit)).toEqual([]);
});

test.each(["https://localhost/", "https://shop.example.evil.test/", "https://myshop.example/"])(
  "a cookie for a domain that %s is not in",
  async (url) => {
    expect(await told({ url, cookie: { domain: "shop.example" } })).toEqual(["FLAGON_COOKIE_DOMAIN"]);
  },
);
