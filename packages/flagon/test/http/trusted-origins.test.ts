import { createSessions } from "flagon";
import { describe, expect, test } from "vitest";
import { SECRET } from "../browser.ts";
import { type Csrf, refusal } from "./refusal.ts";

const pass = "passes";
const no = "refused";

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
