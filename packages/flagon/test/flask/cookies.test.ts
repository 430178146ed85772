import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { datetime, Markup, Tuple, tuple, Uuid } from "flagon/flask";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import type { SessionRecord } from "../../src/codec.ts";
import { readPayload } from "../../src/flask/payload.ts";
import { pythonSession } from "./arbitraries.ts";
import { describeFloat, describeValue, madeOf } from "./describe.ts";
import { type Description, FlaskPeer } from "./peer.ts";
import { anyRequest, bindFlask, newRecord, opened, SECRET } from "./support.ts";

const config = { SECRET_KEY: SECRET };
const now = 1_750_000_000;
const format = bindFlask(() => now);

const describeFlask = describeWith("flask");
let flask: FlaskPeer;
beforeAll(async () => {
  flask = await FlaskPeer.start();
});
afterAll(async () => {
  await flask[Symbol.asyncDispose]();
});

const open = (cookie: string): SessionRecord => opened(format.open(cookie, "session", anyRequest));
const seal = (record: SessionRecord): string => format.seal(record, "session", anyRequest);

async function readByFlask(cookie: string): Promise<Description> {
  const loaded = await flask.loadData(config, cookie, now);
  if ("error" in loaded) throw new Error(`Flask: ${loaded.error}`);
  return loaded.value;
}

/** Flask writes, Flagon reads, adds a key and writes, Flask reads. */
async function throughFlagon(session: { dict: [string, Description][] }): Promise<Description> {
  const record = open(await flask.dump(config, session, now));
  return readByFlask(seal({ ...record, data: { ...record.data, added: "here" } }));
}

describeFlask("a cookie that Flask wrote", () => {
  it("is read as the same values and goes back as it came: 400 random sessions", async () => {
    let compressed = 0;
    for (const session of fc.sample(pythonSession, { numRuns: 400, seed: 2 })) {
      const cookie = await flask.dump(config, session, now);
      if (cookie.startsWith(".")) compressed++;
      const record = open(cookie);
      deepStrictEqual(record.data, madeOf(session));
      // As the core hands it back: the record and the data are copies, what is inside is not.
      expect(await readByFlask(seal({ ...record, data: { ...record.data } }))).toEqual(session);
    }
    expect(compressed).toBeGreaterThan(40);
    expect(compressed).toBeLessThan(360);
  });

  it("keeps every value that TypeScript did not touch, in its own Python type", async () => {
    const session = {
      dict: [
        [
          "cart",
          {
            dict: [
              ["price", describeFloat(1)],
              ["rate", describeFloat(1e16)],
            ],
          },
        ],
        ["id", { int: "18446744073709551615" }],
        ["nan", { float: "nan" }],
        ["odd", { dict: [[" od", [{ int: "1" }]]] }],
        ["pair", { tuple: ["a", describeFloat(-0), describeFloat(100)] }],
        ["ratio", describeFloat(2)],
      ] satisfies [string, Description][],
    } as { dict: [string, Description][] };
    const back = { dict: [["added", "here"], ...session.dict] };
    expect(await throughFlagon(session)).toEqual(back);
  });

  it("has a whole float come back as an int only when TypeScript set it", async () => {
    const record = open(
      await flask.dump(
        config,
        {
          dict: [
            ["a", describeFloat(1)],
            ["b", describeFloat(1)],
          ],
        },
        now,
      ),
    );
    const data = { ...record.data, b: 2 };
    expect(await readByFlask(seal({ ...record, data }))).toEqual({
      dict: [
        ["a", describeFloat(1)],
        ["b", { int: "2" }],
      ],
    });
  });

  it("gives the shapes that the docs name", async () => {
    const record = open(
      await flask.dump(
        config,
        {
          dict: [
            ["at", { datetime: 1_700_000_000 }],
            ["bytes", { bytes: "AAH/" }],
            ["id", { uuid: "12345678-1234-5678-1234-567812345678" }],
            ["markup", { markup: "<b>hi</b>" }],
            ["pair", { tuple: ["a", { int: "1" }] }],
          ],
        },
        now,
      ),
    );
    const { at, bytes, id, markup, pair } = record.data;
    expect(at).toEqual(new Date(1_700_000_000_000));
    expect(bytes).toEqual(new Uint8Array([0, 1, 255]));
    expect(id instanceof Uuid && id.text).toBe("12345678-1234-5678-1234-567812345678");
    expect(markup instanceof Markup && markup.html).toBe("<b>hi</b>");
    expect(pair instanceof Tuple && Array.isArray(pair) && [...pair]).toEqual(["a", 1]);
    expect(Object.isFrozen(pair)).toBe(true);
  });
});

describeFlask("a cookie for Flask", () => {
  it("is read there as the same values, and comes back as they were, whatever they are", async () => {
    await fc.assert(
      fc.asyncProperty(pythonSession, async (session) => {
        const data = madeOf(session) as Record<string, unknown>;
        const inFlask = await readByFlask(seal(newRecord({ data })));
        expect(inFlask).toEqual(describeValue(data));
        deepStrictEqual(open(await flask.dump(config, inFlask, now)).data, data);
      }),
      { numRuns: 400 },
    );
  });

  it("has the text that Flask writes for the same session, byte for byte", async () => {
    const data = { "\uffff": 1, "\u{10000}": "\u007fé", a: 2 };
    const mine = seal(newRecord({ data }));
    const loaded = await flask.load(config, mine, now);
    const session = "value" in loaded ? loaded.value : null;
    expect(session).toMatchObject({ dict: expect.arrayContaining([["a", { int: "2" }]]) });
    const text = (cookie: string): string => readPayload(cookie.replace(/\.[^.]*\.[^.]*$/, ""));
    expect(text(mine)).toMatch(/^\{"_flagon":/);
    expect(text(mine)).toBe(text(await flask.dump(config, session, now)));
  });

  it("is compressed when that is shorter, and Flask reads it", async () => {
    const cookie = seal(newRecord({ data: { text: "flag ".repeat(200) } }));
    expect(cookie).toMatch(/^\./);
    expect(cookie.length).toBeLessThan(150);
    expect(await readByFlask(cookie)).toEqual({ dict: [["text", "flag ".repeat(200)]] });
  });

  it("carries values made here to the Python types that the docs name", async () => {
    const data = {
      at: datetime("2026-03-01T12:00:00.750Z"),
      bytes: new Uint8Array([1, 2]),
      id: new Uuid("12345678123456781234567812345678"),
      markup: new Markup("<i>"),
      pair: tuple("a", tuple()),
    };
    expect(await readByFlask(seal(newRecord({ data })))).toEqual({
      dict: [
        ["at", { datetime: Date.UTC(2026, 2, 1, 12) / 1_000 }],
        ["bytes", { bytes: "AQI=" }],
        ["id", { uuid: "12345678-1234-5678-1234-567812345678" }],
        ["markup", { markup: "<i>" }],
        ["pair", { tuple: ["a", { tuple: [] }] }],
      ],
    });
  });
});

describeFlask("salt and digest", () => {
  it.each([
    { salt: "other", digest: "sha1" },
    { salt: "cookie-session", digest: "sha256" },
    { salt: "ünï", digest: "sha512" },
  ])("are those of Flask's session interface: $salt, $digest", async ({ salt, digest }) => {
    const theirs = { SECRET_KEY: SECRET, SALT: salt, DIGEST: digest };
    const mine = bindFlask(() => now, { salt, digest });
    const cookie = await flask.dump(theirs, { dict: [["a", "b"]] }, now);
    expect(opened(mine.open(cookie, "session", anyRequest)).data).toEqual({ a: "b" });
    expect(format.open(cookie, "session", anyRequest)).toBe("forged");
    const back = mine.seal(newRecord({ data: { a: "b" } }), "session", anyRequest);
    expect(await flask.loadData(theirs, back, now)).toEqual({ value: { dict: [["a", "b"]] } });
  });
});
