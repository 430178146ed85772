import { createHash } from "node:crypto";
import fc from "fast-check";
import { createSessions, type Session, SessionError } from "flagon";
import { flaskCodec, tuple, Uuid } from "flagon/flask";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import type { OpenRequest } from "../../src/codec.ts";
import { COOKIE_BYTES_MAX } from "../../src/http/cookie.ts";
import { type Config, FlaskPeer } from "./peer.ts";
import { anyRequest, bindFlask, newRecord, SECRET } from "./support.ts";
import { Visitor } from "./visitor.ts";

type Data = Record<string, unknown>;

const describeFlask = describeWith("flask");
let flask: FlaskPeer;
beforeAll(async () => {
  flask = await FlaskPeer.start();
});
afterAll(async () => {
  await flask[Symbol.asyncDispose]();
});

const plain: Config = { SECRET_KEY: SECRET };
const now = 1_750_000_000_000;

function uuids(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    return createHash("md5")
      .update(`${index}`)
      .digest("hex")
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  });
}

/** Text that no compression shortens by much. */
function noise(length: number): string {
  let text = "";
  for (let i = 0; text.length < length; i++) text += createHash("sha256").update(`${i}`).digest("base64url");
  return text.slice(0, length);
}

/** The name and value that one request is answered with. */
function answer(handler: (session: Session<Data>) => unknown, name = "session"): string {
  const sessions = createSessions<Data>({ codec: flaskCodec({ secretKey: SECRET }), cookie: { name }, now: () => now });
  const request: OpenRequest = { method: "GET", url: "https://shop.example/", header: () => null };
  const session = sessions.open(request) as Session<Data>;
  handler(session);
  const lines = sessions.commit(session) as [string, string][];
  return lines.find(([header]) => header === "Set-Cookie")?.[1].split(";")[0] ?? "";
}

/** What the answer is, or what it failed with. */
function outcome(handler: (session: Session<Data>) => unknown, name?: string): string | SessionError {
  try {
    return answer(handler, name);
  } catch (error) {
    if (error instanceof SessionError) return error;
    throw error;
  }
}

/** Bytes of name and value together, which is what browsers count (RFC 6265bis, section 5.6). */
const sizeOf = (pair: string): number => pair.length - 1;

describe("a session that no browser would keep", () => {
  it.each<[string, string, (session: Session<Data>) => unknown]>([
    ["150 UUIDs as text", "ids", (session) => session.set("ids", uuids(150))],
    [
      "200 UUIDs",
      "ids",
      (session) =>
        session.set(
          "ids",
          Array.from(uuids(200), (text) => new Uuid(text)),
        ),
    ],
    ["a tuple of bytes", "pair", (session) => session.set("pair", tuple(Buffer.from(noise(4_000)), 1))],
    [
      "flashes",
      "waiting flashes",
      (session) => {
        for (const text of uuids(150)) session.flash(text);
      },
    ],
    ["one flash", "waiting flashes", (session) => session.flash(noise(5_000))],
    ["text longer than may be inflated", "text", (session) => session.set("text", "a".repeat(300_000))],
    ["a long key", "k".repeat(20), (session) => session.set(`${"k".repeat(20)}${noise(5_000)}`, 1)],
    [
      "many small keys",
      "big",
      (session) => {
        for (const text of uuids(130)) session.set(text.slice(0, 8), text);
        session.set("big", noise(60));
      },
    ],
    [
      "a permanent login",
      "ids",
      (session) => {
        session.login("ada", { permanent: true });
        session.set("ids", uuids(150));
      },
    ],
  ])("is an error that names the largest keys: %s", (_, key, handler) => {
    const error = outcome(handler);
    expect(error).toBeInstanceOf(SessionError);
    expect(error).toMatchObject({
      code: "cookie_too_large",
      message: expect.stringContaining(`largest keys are ${key}`),
    });
    expect((error as SessionError).message).not.toContain("store less or pass a store");
  });

  it("is one of more than 4,096 bytes of name and value, and none of 4,096", () => {
    const sizes = new Set<number>();
    for (let length = 3_800; length < 4_000; length++) {
      const got = outcome((session) => session.set("text", noise(length)));
      if (typeof got === "string") sizes.add(sizeOf(got));
      else expect(Number(/cookie is (\d+) bytes/.exec(got.message)?.[1])).toBeGreaterThan(COOKIE_BYTES_MAX);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(COOKIE_BYTES_MAX);
    expect(Math.max(...sizes)).toBeGreaterThan(COOKIE_BYTES_MAX - 4);
    // A name of another length fills what is left, and one letter more is too much. One id for all, since it is compressed too.
    const format = bindFlask(() => now / 1_000);
    const fill = (length: number): number => {
      const name = "n".repeat(length);
      return length + format.seal(newRecord({ data: { text: noise(3_800) } }), name, anyRequest).length;
    };
    const left = COOKIE_BYTES_MAX - fill(1) + 1;
    expect(fill(left)).toBe(COOKIE_BYTES_MAX);
    expect(() => fill(left + 1)).toThrow(`cookie is ${COOKIE_BYTES_MAX + 1} bytes`);
  });

  it("is the only one: whatever is stored, what is sent is kept, and what is not sent is told", () => {
    const value = fc.oneof(
      fc.integer({ min: 2_000, max: 4_500 }).map(noise),
      fc.integer({ min: 2_000, max: 400_000 }).map((length) => "a".repeat(length)),
      fc.integer({ min: 60, max: 160 }).map(uuids),
      fc.array(fc.string({ unit: "binary", maxLength: 40 }), { minLength: 20, maxLength: 80 }),
      fc.uint8Array({ minLength: 1_000, maxLength: 3_000 }),
    );
    const seen = { kept: 0, refused: 0 };
    fc.assert(
      fc.property(
        value,
        fc.array(fc.string({ unit: "binary", maxLength: 400 }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 64 }).map((length) => "n".repeat(length)),
        fc.constantFrom(null, false, true),
        (stored, flashes, name, permanent) => {
          const got = outcome((session) => {
            if (permanent !== null) session.login("ada", { permanent });
            session.set("stored", stored);
            for (const message of flashes) session.flash(message);
          }, name);
          if (typeof got === "string") {
            seen.kept++;
            expect(got.startsWith(`${name}=`)).toBe(true);
            expect(sizeOf(got)).toBeLessThanOrEqual(COOKIE_BYTES_MAX);
          } else {
            seen.refused++;
            expect(got.code).toBe("cookie_too_large");
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(Math.min(seen.kept, seen.refused)).toBeGreaterThan(40);
  });
});

describeFlask("a session of Flask's that is as large as browsers keep", () => {
  /** Flask's cookie of a size from 4,090 to 4,096 bytes with its name. */
  async function largest(more: [string, string | boolean][]): Promise<string> {
    for (let length = 4_100; length > 3_500; length--) {
      const cookie = await flask.dump(plain, { dict: [...more, ["text", noise(length)]] }, 1_700_000_000);
      if ("session".length + cookie.length <= COOKIE_BYTES_MAX) return cookie;
    }
    throw new Error("none fits");
  }

  it("is renewed as it came, and read", async () => {
    const ada = new Visitor(flask, plain, { codec: flaskCodec({ secretKey: SECRET }) });
    const cookie = await largest([["_permanent", true]]);
    expect("session".length + cookie.length).toBeGreaterThan(COOKIE_BYTES_MAX - 8);
    ada.cookies.set("session", cookie);
    ada.now += 60;
    const lines = await ada.toTypeScript((session) => expect(session.get("text")).toMatch(/^[\w-]+$/));
    expect(lines).toHaveLength(1);
    expect(ada.cookies.get("session")?.length).toBe(cookie.length);
    expect(await flask.load(plain, ada.cookies.get("session") ?? "", ada.now)).toHaveProperty("value");
  });

  it("fails nobody's request that changes nothing, wherever the browser is now", async () => {
    const ada = new Visitor(flask, plain, { codec: flaskCodec({ secretKey: SECRET }) });
    const cookie = await largest([
      ["_fresh", true],
      ["_id", "another address"],
      ["_permanent", true],
      ["_user_id", "ada"],
    ]);
    ada.cookies.set("session", cookie);
    const lines = await ada.toTypeScript((session) => expect(session.userId).toBe("ada"));
    expect(lines).toEqual([]);
    await expect(ada.toTypeScript((session) => session.set("a", 1))).rejects.toMatchObject({
      code: "cookie_too_large",
    });
  });

  it("fails nobody's request where Flagon's own format has no room for it", async () => {
    const ada = new Visitor(flask, plain, {
      secret: "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY",
      upgradeFrom: [{ codec: flaskCodec({ secretKey: SECRET }), until: "2030-01-01" }],
    });
    const text = "tea and milk ".repeat(2_000);
    ada.cookies.set("session", await flask.dump(plain, { dict: [["text", text]] }, ada.now));
    for (let times = 0; times < 2; times++) {
      expect(await ada.toTypeScript((session) => expect(session.get("text")).toBe(text))).toEqual([]);
    }
    await expect(ada.toTypeScript((session) => session.set("a", 1))).rejects.toMatchObject({
      code: "cookie_too_large",
    });
  });
});
