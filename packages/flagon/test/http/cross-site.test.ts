import type { OpenRequest } from "flagon";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Headers } from "../browser.ts";
import { HTTP, HTTPS, refusal } from "./refusal.ts";

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
