import { Buffer } from "node:buffer";
import { type Codec, createSessions, type SessionOptions, type SessionRecord } from "flagon";
import { describe, expect, test } from "vitest";
import { Browser, Clock, DAY, type Data, HOUR, MINUTE, NOON, requestOf, SECRET } from "../browser.ts";
import { unrotated } from "../records.ts";

/** The format that an app had before: JSON, unsigned, which is enough to see what becomes of it. */
const plain: Codec = {
  name: "plain",
  cookieName: "old",
  bind: () => ({
    open: (value) => {
      const [mark, id, userId, createdAt, renewedAt, json] = Buffer.from(value, "base64url").toString().split("|");
      if (mark !== "plain" || id === undefined) return "malformed";
      const record: SessionRecord = {
        id,
        ...unrotated,
        permanent: false,
        createdAt: createdAt === "" ? null : Number(createdAt),
        authenticatedAt: null,
        renewedAt: Number(renewedAt),
        userId: userId || null,
        data: JSON.parse(json ?? "{}"),
        flashes: [],
      };
      return record;
    },
    seal: () => {
      throw new Error("the old format is never written");
    },
  }),
};

function oldCookie({
  id = "AAECAwQFBgcICQoLDA0ODw",
  userId = "ann",
  createdAt = String(NOON),
  renewedAt = NOON,
} = {}): string {
  return Buffer.from(["plain", id, userId, createdAt, renewedAt, '{"cart":["a"]}'].join("|")).toString("base64url");
}

async function setUp(options: SessionOptions<Data> = {}): Promise<{ browser: Browser<Data>; clock: Clock }> {
  const clock = new Clock();
  const upgradeFrom = [{ codec: plain, until: new Date(NOON + DAY) }];
  const sessions = createSessions<Data>({ secret: SECRET, now: clock.now, upgradeFrom, ...options });
  // What an upgrade needs is loaded with the first request.
  await sessions.open(requestOf());
  return { clock, browser: new Browser(sessions) };
}

describe("upgradeFrom", () => {
  test("opens the old format, and answers in the own one at the first look", async () => {
    const { browser } = await setUp();
    browser.cookies.set("old", oldCookie());
    browser.visit((session) => {
      expect([session.isNew, session.userId, session.get("cart"), session.createdAt]).toEqual([
        false,
        "ann",
        ["a"],
        NOON,
      ]);
    });
    expect(browser.setCookies[0]).toMatch(/^__Host-Http-session=/);
    browser.cookies.delete("old");
    expect(browser.open().userId).toBe("ann");
    expect(browser.open().get("cart")).toEqual(["a"]);
  });

  test("goes to the own format first, and never merges", async () => {
    const { browser } = await setUp();
    browser.visit((session) => {
      session.login("bob");
      session.set("theme", "dark");
    });
    browser.cookies.set("old", oldCookie());
    expect(browser.open().userId).toBe("bob");
    expect(browser.open().entries()).toEqual([["theme", "dark"]]);
  });

  test("ends at its date, to the millisecond", async () => {
    const { browser, clock } = await setUp({ lifetime: { idle: "10d", absolute: "10d" } });
    browser.cookies.set("old", oldCookie());
    clock.pass(DAY - 1);
    expect(browser.open().userId).toBe("ann");
    clock.pass(1);
    expect(browser.open().userId).toBeNull();
    expect(browser.open().isNew).toBe(true);
  });

  test.each<[what: string, cookie: string]>([
    ["that has idled out", oldCookie({ renewedAt: NOON - HOUR })],
    ["that is too old", oldCookie({ createdAt: String(NOON - 13 * HOUR) })],
    ["from the future", oldCookie({ createdAt: String(NOON + MINUTE) })],
    ["that is junk", "junk"],
  ])("holds the old format to the limits: one %s opens nothing", async (_, cookie) => {
    const { browser } = await setUp();
    browser.cookies.set("old", cookie);
    browser.visit((session) => expect(session.isNew).toBe(true));
    expect(browser.setCookies).toEqual([]);
  });

  test("lets a session of a format without a beginning begin when it is taken over", async () => {
    const { browser, clock } = await setUp();
    browser.cookies.set("old", oldCookie({ createdAt: "" }));
    clock.pass(10 * MINUTE);
    browser.visit((session) => expect(session.createdAt).toBe(clock.time));
    browser.cookies.delete("old");
    clock.pass(10 * MINUTE);
    expect(browser.open().createdAt).toBe(NOON + 10 * MINUTE);
  });

  test("brings back no session that was signed out, though the old cookie is still there", async () => {
    const { browser, clock } = await setUp();
    browser.cookies.set("old", oldCookie());
    browser.visit((session) => session.get("cart"));
    browser.visit((session) => session.logout());
    browser.cookies.set("old", oldCookie());
    expect(browser.open().userId).toBeNull();
    clock.pass(5 * MINUTE);
    expect(browser.open().userId).toBeNull();
  });

  test("tries several old formats in their order", async () => {
    const other: Codec = { ...plain, name: "older", cookieName: "older" };
    const until = "2099-01-01";
    const { browser } = await setUp({
      upgradeFrom: [
        { codec: plain, until },
        { codec: other, until },
      ],
    });
    browser.cookies.set("older", oldCookie({ userId: "older" }));
    expect(browser.open().userId).toBe("older");
    browser.cookies.set("old", oldCookie({ userId: "old" }));
    expect(browser.open().userId).toBe("old");
  });
});
