import { Buffer } from "node:buffer";
import type { HeaderLine, Sessions } from "flagon";
import { describe, expect, test } from "vitest";
import { KeyRing } from "../src/crypto/keys.ts";
import { writeIdCookie } from "../src/formats/id-cookie.ts";
import { sealRow } from "../src/formats/row-data.ts";
import { atOnce, type Data, NOON, OTHER_SECRET, requestOf, SECRET } from "./browser.ts";
import { unrotated } from "./records.ts";
import { appWith, sealedBy } from "./refused-cookies.ts";

// Promise 6, and the half of promise 1 that takes numbers: none of these opens, none throws, none gets another answer than
// a visitor without a cookie.

/** A cheap generator with a seed, so that a failure can be had again (xorshift32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fffffff);
const random = randomFrom(seed);

class Attack {
  readonly #sessions: Sessions<Data> = appWith(() => NOON);
  readonly #expected: string;
  readonly #good: ReadonlySet<string>;
  tried = 0;

  constructor(good: readonly string[]) {
    this.#good = new Set(good);
    this.#expected = this.#answer(undefined);
  }

  /** Sends the cookie; throws when it opens or shows in the answer. */
  try(value: string, header = `__Host-Http-session=${value}`): void {
    if (this.#good.has(value)) return;
    this.tried++;
    const answer = this.#answer(header);
    if (answer !== this.#expected) throw new Error(`seed ${seed}: ${JSON.stringify(value)} gets ${answer}`);
  }

  /** All that can be seen from outside, but for what is random in it. */
  #answer(cookie: string | undefined): string {
    const session = atOnce(this.#sessions.open(requestOf({ cookie })));
    const seen = [
      session.isNew,
      session.userId,
      session.get("role"),
      session.size,
      session.expiresAt,
      session.flashes(),
    ];
    const lines: HeaderLine[] = atOnce(this.#sessions.commit(session));
    return JSON.stringify([seen, lines]);
  }
}

const good = Array.from({ length: 8 }, () => sealedBy({ now: () => NOON }));
const [first = ""] = good;
const bytes = Buffer.from(first, "base64url");
const attack = new Attack(good);
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const anyBytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)));
const anyText = (length: number): string => Array.from({ length }, () => alphabet[random(64)]).join("");

describe(`cookies that nobody sealed (FUZZ_SEED=${seed})`, () => {
  test("the good ones open, so that the rest proves something", () => {
    const sessions = appWith(() => NOON);
    for (const value of good) {
      const session = atOnce(sessions.open(requestOf({ cookie: `__Host-Http-session=${value}` })));
      expect([session.userId, session.get("role")]).toEqual(["ann", "admin"]);
    }
  });

  test("every single bit of a valid one", () => {
    for (const value of good.slice(0, 4)) {
      const whole = Buffer.from(value, "base64url");
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const changed = Buffer.from(whole);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        attack.try(changed.toString("base64url"));
      }
    }
  });

  test("every single character of a valid one, changed to each other of the alphabet", () => {
    for (let at = 0; at < first.length; at++) {
      for (const character of alphabet) attack.try(first.slice(0, at) + character + first.slice(at + 1));
    }
  });

  test("every cut, from the front, the back and the middle", () => {
    for (let length = 0; length < first.length; length++) {
      attack.try(first.slice(0, length));
      attack.try(first.slice(length + 1));
      attack.try(first.slice(0, length) + first.slice(length + 1));
      attack.try(`${first.slice(0, length)}${first[length] ?? ""}${first.slice(length)}`);
    }
    for (let length = 0; length < bytes.length; length++) {
      attack.try(bytes.subarray(0, length).toString("base64url"));
      attack.try(Buffer.concat([bytes.subarray(0, length), bytes.subarray(length + 1)]).toString("base64url"));
    }
  });

  test("the head of one on the body of another, at every place", () => {
    const others = [
      ...good.slice(1),
      sealedBy({ now: () => NOON, app: "b" }),
      sealedBy({ now: () => NOON, secret: OTHER_SECRET }),
    ];
    for (const other of others) {
      const theirs = Buffer.from(other, "base64url");
      for (let at = 1; at < bytes.length; at++) {
        for (const [head, body] of [
          [bytes, theirs],
          [theirs, bytes],
        ] as const) {
          attack.try(Buffer.concat([head.subarray(0, at), body.subarray(at)]).toString("base64url"));
        }
      }
    }
  });

  test("two bits at once, runs of bytes, and bytes put in", () => {
    for (let i = 0; i < 66_000; i++) {
      const changed = Buffer.from(bytes);
      for (let n = 2 + random(3); n > 0; n--) {
        const at = random(changed.length);
        changed[at] = (changed[at] ?? 0) ^ (1 << random(8));
      }
      if (i % 3 === 1) changed.fill(random(256), random(changed.length));
      const at = random(changed.length);
      const put =
        i % 3 === 2
          ? Buffer.concat([changed.subarray(0, at), anyBytes(1 + random(40)), changed.subarray(at)])
          : changed;
      attack.try(put.toString("base64url"));
    }
  });

  test("a good head, so that the cipher is reached, on random bodies of every length", () => {
    const head = bytes.subarray(0, 8);
    for (let i = 0; i < 48_000; i++) attack.try(Buffer.concat([head, anyBytes(random(300))]).toString("base64url"));
  });

  test("a good key id with every kind and thousands of hours", () => {
    for (let i = 0; i < 20_000; i++) {
      const changed = Buffer.from(bytes);
      if (i < 256) changed[0] = i;
      else changed.writeUIntBE(random(2 ** 24), 5, 3);
      attack.try(changed.toString("base64url"));
    }
  });

  test("other kinds of Flagon's own, sealed with the same secret", () => {
    const keys = new KeyRing(SECRET, "");
    for (let i = 0; i < 2_000; i++) {
      const id = anyBytes(16).toString("base64url");
      attack.try(writeIdCookie({ id, generation: 0, signInId: 0 }, "__Host-Http-session", keys));
      const record = { ...unrotated, id, permanent: false, createdAt: NOON, authenticatedAt: NOON, renewedAt: NOON };
      const row = Buffer.from(sealRow({ ...record, userId: "ann", data: { role: "admin" }, flashes: [] }, keys, NOON));
      attack.try(row.toString("base64url"));
      row[0] = 1;
      attack.try(row.toString("base64url"));
    }
  });

  test("junk of all lengths and alphabets", () => {
    for (let i = 0; i < 30_000; i++) attack.try(anyText(random(400)));
    for (let i = 0; i < 10_000; i++) attack.try(anyBytes(random(300)).toString("latin1"));
    for (let i = 0; i < 2_000; i++) attack.try(anyText(3_900 + random(400)));
    for (let i = 0; i < 5_000; i++)
      attack.try(String.fromCharCode(...Array.from({ length: random(200) }, () => random(65_536))));
  });

  test("good ones in odd clothes", () => {
    const dress = [
      " ",
      "\t",
      '"',
      "'",
      "=",
      "%",
      "\0",
      "\n",
      "\r",
      "\v",
      "\u00a0",
      "\ufeff",
      ",",
      "+",
      "/",
      "😀",
      "\ud800",
    ];
    for (const value of good) {
      for (const piece of dress) {
        for (let at = 0; at <= value.length; at += 5) {
          // Blanks at the ends, and quotes around, are none of the value: what is left then is the good one.
          if (/^[ \t]$/.test(piece) && (at === 0 || at === value.length)) continue;
          attack.try(value.slice(0, at) + piece + value.slice(at));
        }
      }
      for (const name of [
        "__Host-sessio",
        "__Host-Http-session2",
        "__host-http-session",
        "session",
        " __Host-Http-session\0",
        "x",
      ]) {
        attack.try(`${name} for ${value}`, `${name}=${value}`);
      }
    }
  });

  test("were two hundred thousand", () => {
    expect(attack.tried).toBeGreaterThan(200_000);
  });
});
