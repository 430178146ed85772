import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import type { Description } from "./peer.ts";
import { FlaskPeer } from "./peer.ts";
import { anyRequest, bindFlask, newRecord, opened, SECRET } from "./support.ts";

const signedAt = 1_750_000_000;
const session: { dict: [string, Description][] } = { dict: [["a", "b"]] };
const empty = { value: { dict: [] } };
let now = signedAt;
const clock = () => now;

const describeFlask = describeWith("flask");
let flask: FlaskPeer;
beforeAll(async () => {
  flask = await FlaskPeer.start();
});
afterAll(async () => {
  await flask[Symbol.asyncDispose]();
});

describeFlask("a cookie's age", () => {
  const day = 86_400;
  it.each([
    { maxAge: 31 * day, age: -1, verdict: "from_the_future" },
    { maxAge: 31 * day, age: 0, verdict: null },
    { maxAge: 31 * day, age: 31 * day - 1, verdict: null },
    { maxAge: 31 * day, age: 31 * day, verdict: null },
    { maxAge: 31 * day, age: 31 * day + 1, verdict: "expired" },
    { maxAge: 60, age: 60, verdict: null },
    { maxAge: 60, age: 61, verdict: "expired" },
    { maxAge: 1, age: 1, verdict: null },
    { maxAge: 1, age: 2, verdict: "expired" },
  ])("has Flask's verdict and Flagon's alike: $age of $maxAge seconds", async ({ maxAge, age, verdict }) => {
    const config = { SECRET_KEY: SECRET, PERMANENT_SESSION_LIFETIME: maxAge };
    const format = bindFlask(clock, { maxAge });
    const cookie = await flask.dump(config, session, signedAt);
    now = signedAt + age;
    expect(await flask.load(config, cookie, now)).toEqual(verdict === null ? { value: session } : empty);
    const answer = format.open(cookie, "session", anyRequest);
    expect(typeof answer === "string" ? answer : null).toBe(verdict);
  });

  it("ends at expiresAt, not a millisecond before", async () => {
    now = signedAt;
    const format = bindFlask(clock, { maxAge: 60 });
    const cookie = await flask.dump({ SECRET_KEY: SECRET }, session, signedAt);
    const end = format.expiresAt(opened(format.open(cookie, "session", anyRequest)));
    now = (end - 1) / 1_000;
    expect(typeof format.open(cookie, "session", anyRequest)).toBe("object");
    now = end / 1_000;
    expect(format.open(cookie, "session", anyRequest)).toBe("expired");
  });
});

describeFlask("a cookie stamped here", () => {
  it("opens in a Flask whose clock is two seconds behind", async () => {
    now = signedAt;
    const cookie = bindFlask(clock).seal(newRecord({ data: { a: "b" } }), "session", anyRequest);
    const config = { SECRET_KEY: SECRET };
    expect(await flask.loadData(config, cookie, now - 2)).toEqual({ value: session });
    expect(await flask.load(config, cookie, now - 3)).toEqual(empty);
  });

  it("lives its time, short as that may be", () => {
    now = signedAt;
    const format = bindFlask(clock, { maxAge: 1 });
    const cookie = format.seal(newRecord({ data: { a: "b" } }), "session", anyRequest);
    expect(opened(format.open(cookie, "session", anyRequest)).data).toEqual({ a: "b" });
    now++;
    expect(opened(format.open(cookie, "session", anyRequest)).data).toEqual({ a: "b" });
  });
});

describeFlask("secrets", () => {
  const [oldest, older, current] = ["oldest 1b1f4c52a6b0", "older 77aa20f0d1c3", "current 90cc14e2b5d7"] as const;
  const config = { SECRET_KEY: current, SECRET_KEY_FALLBACKS: [older, oldest] };
  const options = { secretKey: current, fallbacks: [older, oldest] };

  it.each([oldest, older, current])("all open, in Flask as here: %s", async (secret) => {
    now = signedAt;
    const cookie = await flask.dump({ SECRET_KEY: secret }, session, now);
    expect(await flask.load(config, cookie, now)).toEqual({ value: session });
    const record = opened(bindFlask(clock, options).open(cookie, "session", anyRequest));
    expect(record.data).toEqual({ a: "b" });
    expect(record.outdated ?? false).toBe(secret !== current);
  });

  it("sign with the current one alone", async () => {
    now = signedAt;
    const cookie = bindFlask(clock, options).seal(newRecord({ data: { a: "b" } }), "session", anyRequest);
    expect(await flask.loadData({ SECRET_KEY: current }, cookie, now)).toEqual({ value: session });
    expect(await flask.load({ SECRET_KEY: older }, cookie, now)).toEqual(empty);
  });

  it("are UTF-8 for text and taken as they are for bytes", async () => {
    now = signedAt;
    const bytes = new Uint8Array([0xff, 0, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    const inBytes = { SECRET_KEY: { bytes: Buffer.from(bytes).toString("hex") } };
    const cookies = [
      [await flask.dump(inBytes, session, now), bytes],
      [await flask.dump({ SECRET_KEY: "schlüssel für alle fälle 😀" }, session, now), "schlüssel für alle fälle 😀"],
    ] as const;
    for (const [cookie, secretKey] of cookies) {
      expect(opened(bindFlask(clock, { secretKey }).open(cookie, "session", anyRequest)).data).toEqual({ a: "b" });
    }
  });

  it("open nothing under another secret", async () => {
    now = signedAt;
    const cookie = await flask.dump({ SECRET_KEY: "another" }, session, now);
    expect(bindFlask(clock, options).open(cookie, "session", anyRequest)).toBe("forged");
  });
});

describeFlask("a payload with a good signature that is no session", () => {
  const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64url");
  it.each([
    ["no base64", "%%%"],
    ["no zlib behind the dot", `.${base64("hello")}`],
    ["no UTF-8", base64('{"a":"\xff"}')],
    ["a byte order mark", base64('\xef\xbb\xbf{"a":1}')],
    ["no JSON", base64("{a:1}")],
    ["JSON cut short", base64('{"a":[1,2')],
    ["text after the JSON", base64("{}x")],
    ["a control character in a string", base64('{"a":"\n"}')],
    ["a list", base64("[1]")],
    ["a number", base64("1")],
    ["a tuple", base64('{" t":[1]}')],
    ["a bad escape", base64('{"a":"\\x41"}')],
    ["a number with a leading zero", base64('{"a":01}')],
    ["an integer longer than Python reads", base64(`{"a":${"9".repeat(4_301)}}`)],
    ["a tuple of a number", base64('{"a":{" t":1}}')],
    ["bytes that are no base64", base64('{"a":{" b":"abc"}}')],
    ["a UUID that is none", base64('{"a":{" u":"1234"}}')],
    ["an escape around nothing", base64('{"a":{" di":{}}}')],
  ])("is an empty session and an event here, where Flask fails: %s", async (_, payload) => {
    now = signedAt;
    const config = { SECRET_KEY: SECRET };
    const cookie = await flask.sign(config, payload, now);
    expect(await flask.load(config, cookie, now)).toHaveProperty("error");
    expect(["unreadable", "malformed"]).toContain(bindFlask(clock).open(cookie, "session", anyRequest));
  });

  it("is no reason to fail: what Flask reads leniently is read or refused", async () => {
    now = signedAt;
    const cookie = await flask.sign({ SECRET_KEY: SECRET }, base64('{"a":{" d":"never"}, "b" : 1}'), now);
    expect(await flask.load({ SECRET_KEY: SECRET }, cookie, now)).toEqual({
      value: {
        dict: [
          ["a", null],
          ["b", { int: "1" }],
        ],
      },
    });
    expect(opened(bindFlask(clock).open(cookie, "session", anyRequest)).data).toEqual({ a: null, b: 1 });
  });
});

describeFlask("a signature in another spelling", () => {
  it("opens in Flask and not here, where an ended cookie is remembered by its signature", async () => {
    now = signedAt;
    const config = { SECRET_KEY: SECRET };
    const cookie = await flask.dump(config, session, now);
    for (const twin of [`${cookie}=`, `${cookie}!!!!`, cookie.replace(/.{5}$/, "!!!!$&")]) {
      expect(await flask.load(config, twin, now)).toEqual({ value: session });
      expect(bindFlask(clock).open(twin, "session", anyRequest)).toBe("malformed");
    }
  });
});

describeFlask("nesting", () => {
  const nested = (depth: number): Description => {
    let value: Description = "deep";
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  };

  it("is carried as deep as Flask can write", async () => {
    now = signedAt;
    const config = { SECRET_KEY: SECRET };
    const format = bindFlask(clock);
    const deepest = await flask.dump(config, { dict: [["a", nested(240)]] }, now);
    const back = format.seal(opened(format.open(deepest, "session", anyRequest)), "session", anyRequest);
    expect(await flask.load(config, back, now)).toEqual({ value: { dict: [["a", nested(240)]] } });
    await expect(flask.dump(config, { dict: [["a", nested(340)]] }, now)).rejects.toThrow("RecursionError");
  });

  it("is a TypeError deeper than that, and an empty session when it is read", async () => {
    now = signedAt;
    const format = bindFlask(clock);
    let value: unknown = "deep";
    for (let i = 0; i < 100_000; i++) value = [value];
    expect(() => format.print("a", value)).toThrow(TypeError);
    const text = Buffer.from(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`).toString("base64url");
    const cookie = await flask.sign({ SECRET_KEY: SECRET }, text, now);
    expect(format.open(cookie, "session", anyRequest)).toBe("unreadable");
  });
});
