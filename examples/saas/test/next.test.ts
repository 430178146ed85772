import fc from "fast-check";
import { expect, test } from "vitest";
import { safeNext } from "../src/lib/next.ts";

test.each([
  ["/", "/"],
  ["/settings", "/settings"],
  ["/session?a=1&b=%2F#values", "/session?a=1&b=%2F#values"],
  ["/a/../settings", "/settings"],
  ["/grüße", "/gr%C3%BC%C3%9Fe"],
  ["/page?to=//evil.example", "/page?to=//evil.example"],
])("a path of this site is kept: %s", (next, expected) => {
  expect(safeNext(next, "/fallback")).toBe(expected);
});

test.each([
  undefined,
  "",
  "settings",
  "//evil.example",
  "///evil.example",
  "/\\evil.example",
  "\\/evil.example",
  "\\\\evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "/\r\nSet-Cookie: a=b",
  "\t//evil.example",
  " //evil.example",
  "/ /evil.example",
  "/\u0000/evil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/a/..//evil.example",
  "/%2e//evil.example",
  "/%2E%2e//evil.example",
  "/\u2028/evil.example",
  "https://evil.example/",
  "http:evil.example",
  "javascript:alert(1)",
  "data:text/html,hello",
  "@evil.example",
  "?next=//evil.example",
  `/${"a".repeat(1_000)}`,
])("anything else leads to the fallback: %j", (next) => {
  expect(safeNext(next, "/fallback")).toBe("/fallback");
});

test("whatever is asked for, a browser on this site stays on it", () => {
  const pieces = fc.constantFrom(
    "/",
    "//",
    "\\",
    ".",
    "..",
    "%2e",
    "%2f",
    "%5c",
    "\t",
    "\r\n",
    " ",
    "@",
    ":",
    "?",
    "#",
    "evil.example",
    "https:",
    "a",
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 8 }).map((list) => list.join("")),
    fc.webPath(),
    fc.string(),
  );
  fc.assert(
    fc.property(texts, (text) => {
      for (const next of [text, `/${text}`]) {
        const path = safeNext(next);
        expect(new URL(path, "https://flagon.example/sign-in").origin).toBe("https://flagon.example");
        // Neither may a Location header hold anything but visible ASCII.
        expect(path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
      }
    }),
    { numRuns: 5_000 },
  );
});
