import { describe, expect, test } from "vitest";
import { type CookieOptions, createCookie } from "../../src/http/cookie.ts";
import { DAY, SECOND } from "../browser.ts";

const written: [name: string, options: CookieOptions, line: string][] = [
  ["__Host-Http-session", {}, "__Host-Http-session=v; Path=/; HttpOnly; Secure; SameSite=Lax"],
  ["session", { secure: false }, "session=v; Path=/; HttpOnly; SameSite=Lax"],
  ["sid", { sameSite: "strict" }, "sid=v; Path=/; HttpOnly; Secure; SameSite=Strict"],
  ["sid", { sameSite: "none" }, "sid=v; Path=/; HttpOnly; Secure; SameSite=None"],
  [
    "__Secure-session",
    { domain: "example.com", path: "/app" },
    "__Secure-session=v; Domain=example.com; Path=/app; HttpOnly; Secure; SameSite=Lax",
  ],
  ["sid", { domain: ".example.com" }, "sid=v; Domain=.example.com; Path=/; HttpOnly; Secure; SameSite=Lax"],
  ["sid", { path: "/a b/~c!'()*" }, "sid=v; Path=/a b/~c!'()*; HttpOnly; Secure; SameSite=Lax"],
  [
    "__Host-Http-session",
    { partitioned: true },
    "__Host-Http-session=v; Path=/; HttpOnly; Secure; SameSite=Lax; Partitioned",
  ],
  ["sid", { priority: "high" }, "sid=v; Path=/; HttpOnly; Secure; SameSite=Lax; Priority=High"],
  ["sid", { priority: "low" }, "sid=v; Path=/; HttpOnly; Secure; SameSite=Lax; Priority=Low"],
  [
    "__Secure-a",
    { domain: "a.example", path: "/x", sameSite: "none", priority: "medium", partitioned: true, secure: true },
    "__Secure-a=v; Domain=a.example; Path=/x; HttpOnly; Secure; SameSite=None; Priority=Medium; Partitioned",
  ],
];

describe("Cookie", () => {
  test.each(written)("writes %s with %j", (name, options, line) => {
    expect(createCookie(name, options).serialize("v")).toBe(line);
  });

  test.each(written)("deletes %s with the attributes it was written with: %j", (name, options, line) => {
    const attributes = line.slice(`${name}=v`.length);
    expect(createCookie(name, options).serializeDeletion()).toBe(`${name}=; Max-Age=0${attributes}`);
  });

  test.each([
    [0, 0],
    [999, 0],
    [SECOND, 1],
    [1_999, 1],
    [-SECOND, 0],
    [31 * DAY, 2_678_400],
    [400 * DAY, 34_560_000],
    [400 * DAY + SECOND, 34_560_000],
    [5_000 * DAY, 34_560_000],
    [Number.MAX_SAFE_INTEGER, 34_560_000],
  ])("writes %d ms as Max-Age in whole seconds, never more than 400 days", (ms, seconds) => {
    const line = createCookie("sid", {}).serialize("v", ms);
    expect(line).toBe(`sid=v; Max-Age=${seconds}; Path=/; HttpOnly; Secure; SameSite=Lax`);
  });
});

const breakouts = [";", "\r", "\n", "\0", "\r\nSet-Cookie: x=y", "; Secure", "\x7f", "\x1f", "é"];
const attributes: [attribute: string, make: (text: string) => { name?: string; options: object }][] = [
  ["name", (text) => ({ name: `sid${text}`, options: {} })],
  ["domain", (text) => ({ options: { domain: `example.com${text}` } })],
  ["path", (text) => ({ options: { path: `/a${text}` } })],
  ["sameSite", (text) => ({ options: { sameSite: `lax${text}` } })],
  ["priority", (text) => ({ options: { priority: `low${text}` } })],
];

describe("a cookie's attributes", () => {
  for (const [attribute, make] of attributes) {
    test.each(breakouts)(`can't break out of the header: ${attribute} with %j`, (text) => {
      const { name = "sid", options } = make(text);
      expect(() => createCookie(name, options)).toThrow(TypeError);
      expect(() => createCookie(name, options)).toThrow(`"${attribute}":`);
    });
  }

  test.each(["", "a b", "a=b", "a,b", "a;b", 'a"b', "a\tb", "a/b", "a@b", "é", "a\x80"])("no name is %j", (name) => {
    expect(() => createCookie(name, {})).toThrow(/^cookie cannot be .*"name":/);
  });

  test.each([
    "",
    " ",
    "exa mple.com",
    "example..com",
    "example.com/",
    "example.com:443",
    "*.example.com",
    ".",
    "[::1]",
  ])("no domain is %j", (domain) => {
    expect(() => createCookie("sid", { domain })).toThrow(/^cookie cannot be .*"domain":/);
  });

  test.each(["", "app", "./", "\\"])("no path is %j: it begins with a slash", (path) => {
    expect(() => createCookie("sid", { path })).toThrow(/^cookie cannot be .*"path":/);
  });

  test.each<object>([
    { name: 1 },
    { domain: 1 },
    { domain: null },
    { path: 1 },
    { path: null },
    { sameSite: "Lax" },
    { sameSite: true },
    { sameSite: "" },
    { priority: "High" },
    { priority: 1 },
  ])("are text of the right kind, so %j is a TypeError", (options) => {
    const name = "name" in options ? (options.name as string) : "sid";
    expect(() => createCookie(name, options)).toThrow(/^cookie cannot be /);
    expect(() => createCookie(name, options)).toThrow(TypeError);
  });
});

describe("what browsers would drop is a TypeError", () => {
  test.each<[name: string, options: CookieOptions]>([
    ["__Host-Http-session", { secure: false }],
    ["__Host-Http-session", { path: "/app" }],
    ["__Host-Http-session", { domain: "example.com" }],
    ["__host-http-session", { secure: false }],
    ["__HOST-HTTP-session", { domain: "example.com" }],
    ["__Host-session", { secure: false }],
    ["__Host-session", { path: "/app" }],
    ["__Host-session", { domain: "example.com" }],
    ["__Http-session", { secure: false }],
    ["__http-session", { secure: false }],
    ["__HTTP-session", { secure: false, path: "/app" }],
    ["__Secure-session", { secure: false }],
    ["__secure-session", { secure: false }],
    ["sid", { secure: false, sameSite: "none" }],
    ["sid", { secure: false, partitioned: true }],
  ])("%s with %j", (name, options) => {
    expect(() => createCookie(name, options)).toThrow(/^cookie cannot be .*: browsers would drop/);
    expect(() => createCookie(name, options)).toThrow(TypeError);
  });

  test.each<[name: string, options: CookieOptions]>([
    ["__Secure-session", { path: "/app", domain: "example.com" }],
    ["__Host-Http-session", { path: "/", sameSite: "none", partitioned: true }],
    ["__Host-session", {}],
    ["__Http-session", { path: "/app", domain: "example.com" }],
    ["__Httpsession", { secure: false, path: "/app" }],
    ["__Hostsession", { secure: false, path: "/app" }],
  ])("and %s with %j is none of it", (name, options) => {
    expect(() => createCookie(name, options)).not.toThrow();
  });
});
