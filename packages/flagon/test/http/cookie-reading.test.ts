import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCookies } from "../../src/http/cookie-header.ts";

const NAME = "__Host-Http-session";

const table: [header: string, values: string[]][] = [
  // One cookie, alone and among others.
  [`${NAME}=abc`, ["abc"]],
  [`a=1; ${NAME}=abc; b=2`, ["abc"]],
  [`a=1;${NAME}=abc;b=2`, ["abc"]],
  [`a=1; b=2`, []],
  ["", []],
  [" ", []],
  [NAME, []],
  [`${NAME};`, []],
  [`=${NAME}`, []],
  [`=${NAME}=abc`, []],

  // Spaces and tabs around name and value go, and nothing else does.
  [`  ${NAME}=abc  `, ["abc"]],
  [`\t${NAME}\t=\tabc\t`, ["abc"]],
  [`a=1; \t ${NAME} \t= \t abc \t ; b=2`, ["abc"]],
  [`${NAME}=a b`, ["a b"]],
  [`${NAME}=abc\u00a0`, ["abc\u00a0"]],
  [`${NAME}=abc\n`, ["abc\n"]],
  [`${NAME}=\rabc`, ["\rabc"]],
  [`${NAME}=abc\v`, ["abc\v"]],
  [`${NAME}=abc\f`, ["abc\f"]],
  [`\u00a0${NAME}=abc`, []],
  [`\n${NAME}=abc`, []],
  [`\u{feff}${NAME}=abc`, []],
  [`${NAME}\u2003=abc`, []],

  // Values.
  [`${NAME}=`, [""]],
  [`${NAME}= `, [""]],
  [`${NAME}==`, ["="]],
  [`${NAME}=a=b=c`, ["a=b=c"]],
  [`${NAME}=%41%3B`, ["%41%3B"]],
  [`${NAME}=a,b`, ["a,b"]],
  [`${NAME}=é`, ["é"]],

  // One pair of quotes.
  [`${NAME}="abc"`, ["abc"]],
  [`${NAME}= "abc" `, ["abc"]],
  [`${NAME}=""`, [""]],
  [`${NAME}=" abc "`, [" abc "]],
  [`${NAME}=""abc""`, ['"abc"']],
  [`${NAME}="abc`, ['"abc']],
  [`${NAME}=abc"`, ['abc"']],
  [`${NAME}="`, ['"']],
  [`${NAME}="a;b"`, ['"a']],
  [`${NAME}='abc'`, ["'abc'"]],

  // Names are compared as they stand.
  [`__host-http-session=abc`, []],
  [`__HOST-SESSION=abc`, []],
  [`x${NAME}=abc`, []],
  [`${NAME}x=abc`, []],
  [`${NAME.slice(1)}=abc`, []],
  [`${NAME.slice(0, -1)}=abc`, []],
  [`__Host%2Dsession=abc`, []],
  [`"${NAME}"=abc`, []],
  [`a=${NAME}=abc`, []],
  [`a="${NAME}=abc"`, []],
  [`session=abc; __Secure-session=abc`, []],
  [`$Version=1; ${NAME}=abc; $Path=/`, ["abc"]],

  // Every cookie of the name, in the order of the header.
  [`${NAME}=one; ${NAME}=two`, ["one", "two"]],
  [`${NAME}=one; a=1; ${NAME}=two; ${NAME}=one`, ["one", "two", "one"]],
  [`${NAME}; ${NAME}=two`, ["two"]],

  // Headers that no browser sends.
  [";;;;", []],
  ["====", []],
  [`;;${NAME}=abc;;`, ["abc"]],
  [`${NAME}=abc,${NAME}=def`, [`abc,${NAME}=def`]],
  [`a; b; c=; ${NAME}=abc`, ["abc"]],
  [`\0${NAME}=abc`, []],
  [`${NAME}=\0`, ["\0"]],
];

describe("readCookies", () => {
  test.each(table)("finds in %j: %j", (header, values) => {
    expect(readCookies(header, NAME)).toEqual(values);
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("has no cookie %s of its own", (name) => {
    expect(readCookies("a=1", name)).toEqual([]);
    expect(readCookies(`${name}=abc`, name)).toEqual(["abc"]);
  });

  test("looks at no more than sixteen of a name: each can cost a cipher", () => {
    const values = Array.from({ length: 300 }, (_, index) => `${index}`);
    const header = values.map((value) => `other=1; ${NAME}=${value}`).join("; ");
    expect(readCookies(header, NAME)).toEqual(values.slice(0, 16));
  });

  test("finds what a slow reader finds, in any header", () => {
    const piece = fc.constantFrom("a", "ab", "b", "=", ";", " ", "\t", '"', "%", "\n", "a=", "ab=", "; a=", '="', "é");
    const header = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
    const name = fc.constantFrom("a", "ab", "b");
    fc.assert(
      fc.property(fc.oneof(header, fc.string({ unit: "binary" })), name, (text, wanted) => {
        expect(readCookies(text, wanted)).toEqual(readSlowly(text, wanted));
      }),
      { numRuns: 500 },
    );
  });

  // Each of these would keep a reader that looks at a character more than once busy for hours.
  const MEGABYTES = 8 * 2 ** 20;
  test.each([
    ["semicolons", ";"],
    ["names without values", "a;"],
    ["equals signs", "="],
    ["blanks", " "],
    ["quotes", '"'],
    ["cookies of another name", "a=;"],
    ["blanks and semicolons", " ;"],
    ["the name without a value", `${NAME};`],
    ["the name in values", `a=${NAME}=b;`],
    ["the name and blanks", `${NAME}${" ".repeat(40)}`],
    ["blanks and the name", `${" ".repeat(40)}${NAME}`],
  ])("goes through %s once, however many", (_, piece) => {
    const junk = piece.repeat(MEGABYTES / piece.length);
    expect(readCookies(`${junk};${NAME}=abc`, NAME)).toEqual(["abc"]);
  });

  test("stops early in a megabyte of cookies of the name", () => {
    expect(readCookies(`${NAME}=a;`.repeat(60_000), NAME)).toHaveLength(16);
  });
});

/** The same rules, one after the other. */
function readSlowly(header: string, name: string): string[] {
  return header
    .split(";")
    .filter((pair) => pair.includes("="))
    .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const)
    .filter(([each]) => trim(each) === name)
    .map(([, value]) => unquote(trim(value)))
    .slice(0, 16);
}

function trim(text: string): string {
  return text.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
}

function unquote(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
