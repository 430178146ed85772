import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { readJson, Unreadable, writeString } from "../../src/flask/python-json.ts";
import { writeNumber } from "../../src/flask/python-number.ts";
import { readTagged, writeTagged } from "../../src/flask/tagged-json.ts";
import { float } from "./arbitraries.ts";
import { describeFloat, describeValue } from "./describe.ts";
import { type Description, FlaskPeer } from "./peer.ts";

const describeFlask = describeWith("flask");
let flask: FlaskPeer;
beforeAll(async () => {
  flask = await FlaskPeer.start();
});
afterAll(async () => {
  await flask[Symbol.asyncDispose]();
});

const config = { SECRET_KEY: "unused" };

async function pythonText(value: Description): Promise<string> {
  return (await flask.ask<{ text: string }>("json_dumps", config, { value })).text;
}

/** Whether Python's `json.loads` takes the text. */
async function pythonReads(text: string): Promise<boolean> {
  return "value" in (await flask.ask<object>("json_loads", config, { text }));
}

function reads(text: string): boolean {
  try {
    readJson(text);
    return true;
  } catch (error) {
    if (error instanceof Unreadable) return false;
    throw error;
  }
}

describeFlask("a number", () => {
  it("that is no whole number up to 2^53 has the text that Python gives the float", async () => {
    await fc.assert(
      fc.asyncProperty(float, async (value) => {
        const isInt = Number.isSafeInteger(value) && !Object.is(value, -0);
        expect(writeNumber(value)).toBe(await pythonText(isInt ? { int: String(value) } : describeFloat(value)));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [1e15 + 0.5, "1000000000000000.5"],
    [2 ** 53, "9007199254740992.0"],
    [1e16, "1e+16"],
    [1e22, "1e+22"],
    [1e-4, "0.0001"],
    [1e-5, "1e-05"],
    [1.5e-7, "1.5e-07"],
    [5e-324, "5e-324"],
    [-0, "-0.0"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [0.1 + 0.2, "0.30000000000000004"],
  ])("%s is %s", (value, text) => {
    expect(writeNumber(value)).toBe(text);
    expect(Object.is(readTagged(`{"a":${text}}`).a, value)).toBe(true);
  });

  it.each(["1.0", "-0.0", "1E5", "1e5", "1e400", "0.10", "100e-2", "-0", "1.0e+00"])(
    "%s goes back as it came",
    (text) => {
      const session = `{"a":${text},"b":[${text},{"c":${text}}]}`;
      expect(writeTagged(readTagged(session))).toBe(session);
    },
  );
});

describeFlask("a string", () => {
  it("has the text that Python gives it", async () => {
    const string = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
    await fc.assert(
      fc.asyncProperty(string, async (text) => {
        expect(writeString(text)).toBe(await pythonText(text));
      }),
      { numRuns: 500 },
    );
  });

  it("may hold half a surrogate pair, which UTF-8 could not carry", async () => {
    for (const text of ["\ud800", "\udc00x", "a\ud800\ud800", "\ude00\ud83d"]) {
      expect(writeString(text)).toBe(await pythonText(text));
      expect(readJson(writeString(text))).toBe(text);
    }
  });
});

describeFlask("reading JSON", () => {
  const texts = [
    "null",
    "true",
    "false",
    "nul",
    "True",
    '""',
    "''",
    "[]",
    "[,]",
    "[1,]",
    "[1 2]",
    "{}",
    "{,}",
    '{"a":1,}',
    '{"a"}',
    '{"a":}',
    "{a:1}",
    "{1:1}",
    '{"a":1 "b":2}',
    "01",
    "-01",
    "+1",
    ".5",
    "5.",
    "1e",
    "1e+",
    "0x1",
    "1_000",
    "-",
    "--1",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "+Infinity",
    "nan",
    "1.5e-10",
    "-0",
    "-0.0",
    "1E400",
    '"\\u00e9"',
    '"\\u00E9"',
    '"\\ud83d\\ude00"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\x41"',
    '"\\/"',
    '"\\a"',
    '"\t"',
    '"\u007f"',
    '"a',
    'a"',
    " 1 ",
    "\u00a01",
    "\ufeff1",
    "1\u0000",
    "",
    " ",
    "[1]]",
    "[[1]",
    '{"a":1,"a":2}',
    "1 2",
    '"\\"',
    "\u20281",
    "\f1",
    "\v1",
    '"\ud83d"',
    "[NaN,Infinity]",
    "tru",
    "truer",
  ];

  it.each(texts)("takes what Python takes: %j", async (text) => {
    expect(reads(text)).toBe(await pythonReads(text));
  });

  it("takes what Python takes, of any text made of JSON's pieces", async () => {
    const piece = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      '"a"',
      "1",
      "-",
      "0",
      ".",
      "e5",
      "E",
      "null",
      "true",
      "NaN",
      "Infinity",
      " ",
      "\n",
      "\\",
      "\\u0041",
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(text, async (made) => {
        expect([made, reads(made)]).toEqual([made, await pythonReads(made)]);
      }),
      { numRuns: 3_000 },
    );
  });

  it("gives the values that Python gives", async () => {
    for (const text of texts.filter(reads).filter((each) => !/[.eE]|-0/.test(each))) {
      const { value } = await flask.ask<{ value: Description }>("json_loads", config, { text });
      expect(describeValue(readJson(text))).toEqual(value);
    }
  });
});

describeFlask("keys", () => {
  it("are in the order of their code points, as Python sorts them", () => {
    const data = Object.fromEntries(["\u{1f600}", "\uffff", "\ud800", "é", "b", "aa", "a", ""].map((key) => [key, 0]));
    expect(writeTagged(data)).toBe('{"":0,"a":0,"aa":0,"b":0,"\\u00e9":0,"\\ud800":0,"\\uffff":0,"\\ud83d\\ude00":0}');
  });

  it("may be __proto__, which is a key like any other", () => {
    const data = readTagged('{"__proto__":{"polluted":true}}');
    expect(Object.keys(data)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(writeTagged(data)).toBe('{"__proto__":{"polluted":true}}');
  });
});

describeFlask("tags", () => {
  it.each([
    '{" t":1}', // not at the top: Flask's session is an object
  ])("at the top are refused: %s", (text) => {
    expect(() => readTagged(text)).toThrow(Unreadable);
  });

  it.each([
    '{"a":{" od":[["k",1]]}}',
    '{"a":{" di":{" od__":1}}}',
    '{"a":{" di":{" t__":[1]}}}',
    '{"a":{" di":{" di__":{" t":[1]}}}}',
    '{" di":{" t__":1}}',
    '{"a":{" t":[],"b":1}}',
    '{"a":{" d":"Sat, 01 Jan 2000 00:00:00 -0500"}}',
    '{"a":{" d":"no date"},"b":{" d":"Mon, 01 Jan 2000 00:00:00 GMT"}}',
    '{"a":{" t":[{" t":[{" b":""},{" m":""},{" u":"00000000000000000000000000000000"}]}]}}',
  ])("go back as they came: %s", (text) => {
    expect(writeTagged(readTagged(text))).toBe(text);
  });
});
