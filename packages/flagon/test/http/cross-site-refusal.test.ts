import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Headers } from "../browser.ts";
import { HTTP, refusal } from "./refusal.ts";

// What is told late is of the test that it belongs to.
afterEach(() => vi.dynamicImportSettled());

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
