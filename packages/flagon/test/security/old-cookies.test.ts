import { createHmac } from "node:crypto";
import { createSessions, type Session, type SessionOptions } from "flagon";
import { flaskCodec, fromFlaskConfig } from "flagon/flask";
import { memoryStore } from "flagon/memory";
import { describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, HOUR, MINUTE, SECRET } from "../browser.ts";

const FLASK_SECRET = "b3d9d2c0f0a1487d9f3c6a5e2b7f4810";
const flask = { codec: flaskCodec({ secretKey: FLASK_SECRET }) };
const until = "2030-01-01";

/** The token that Flask-Login sets for "remember me": it has no end but a new secret. */
const remembered = `ann|${createHmac("sha512", FLASK_SECRET).update("ann").digest("hex")}`;

type Home = (clock: Clock) => Partial<SessionOptions<Data>>;
const backends: [name: string, home: Home][] = [
  ["in the cookie", () => ({})],
  ["in the cookie, with revocations", ({ now }) => ({ revocations: { store: memoryStore({ now }), staleness: 0 } })],
  ["in a store", ({ now }) => ({ store: memoryStore({ now }) })],
];

const who = (session: Session<Data>): string | null => session.userId;

describe.each(backends)("a session taken over from Flask, and kept %s,", (_, home) => {
  /** Two processes of one app that has left Flask, and a browser that was signed in there. */
  async function begin(cookies: "session" | "remember_token", config = flask) {
    const clock = new Clock();
    const { now } = clock;
    const kept = home(clock);
    const app = () => createSessions<Data>({ secret: SECRET, now, ...kept, upgradeFrom: [{ ...config, until }] });
    const visitor = new AsyncBrowser(app());
    if (cookies === "remember_token") visitor.cookies.set("remember_token", remembered);
    else {
      const before = new AsyncBrowser(createSessions<Data>({ ...config, now }));
      await before.visit((session) => session.login("ann"));
      for (const [name, value] of before.cookies) visitor.cookies.set(name, value);
    }
    return { visitor, clock, otherProcess: () => visitor.copy(app()) };
  }

  test.each(["session", "remember_token"] as const)(
    "is over when the person signs out, whatever %s said",
    async (cookies) => {
      const { visitor, otherProcess } = await begin(cookies);
      expect(await visitor.visit(who)).toBe("ann");
      await visitor.visit((session) => session.logout());
      expect([...visitor.cookies]).toEqual([]);
      expect(await visitor.visit(who)).toBeNull();
      expect(await otherProcess().visit(who)).toBeNull();
    },
  );

  test.each(["session", "remember_token"] as const)(
    "is over when the first request signs out, with %s",
    async (cookies) => {
      const { visitor, otherProcess } = await begin(cookies);
      await visitor.visit((session) => session.logout());
      expect([...visitor.cookies]).toEqual([]);
      expect(await otherProcess().visit(who)).toBeNull();
    },
  );

  test("does not come back when another person, who signed in after, signs out", async () => {
    const { visitor, otherProcess } = await begin("remember_token");
    await visitor.visit((session) => session.login("bob"));
    expect(await otherProcess().visit(who)).toBe("bob");
    await visitor.visit((session) => session.logout());
    expect(await otherProcess().visit(who)).toBeNull();
  });

  test("leaves no cookie of Flask's behind that would outlast the idle end", async () => {
    const { visitor, clock } = await begin("session");
    await visitor.visit(who);
    expect([...visitor.cookies.keys()]).toEqual(["__Host-Http-session"]);
    clock.pass(31 * MINUTE);
    expect(await visitor.visit(who)).toBeNull();
  });

  test("keeps what is stored in it, however long ago Flask wrote the cookie", async () => {
    const { visitor, clock } = await begin("session");
    clock.pass(20 * HOUR);
    await visitor.visit((session) => session.set("a", 1));
    expect(await visitor.visit((session) => [session.userId, session.get("a")])).toEqual(["ann", 1]);
    clock.pass(31 * MINUTE);
    expect(await visitor.visit(who)).toBeNull();
  });

  test("is found and deleted under the name and the place that Flask's configuration says", async () => {
    const config = fromFlaskConfig({
      SECRET_KEY: FLASK_SECRET,
      SESSION_COOKIE_NAME: "shop",
      SESSION_COOKIE_DOMAIN: "shop.example",
      SESSION_COOKIE_PATH: "/app",
    });
    const { visitor } = await begin("session", config);
    expect(await visitor.visit(who)).toBe("ann");
    expect(visitor.setCookies).toContain("shop=; Max-Age=0; Domain=shop.example; Path=/app; HttpOnly; SameSite=Lax");
  });
});

describe("upgradeFrom", () => {
  test("keeps the remember cookie of the person who is signed in, and deletes nothing for who only reads", async () => {
    const visitor = new AsyncBrowser(createSessions<Data>({ secret: SECRET, upgradeFrom: [{ ...flask, until }] }));
    visitor.cookies.set("remember_token", remembered);
    expect(await visitor.visit(who)).toBe("ann");
    expect([...visitor.cookies.keys()]).toEqual(["remember_token", "__Host-Http-session"]);
    await visitor.visit(who);
    expect(visitor.setCookies).toEqual([]);
  });

  test("leaves alone what another app on this host calls its cookie", async () => {
    const visitor = new AsyncBrowser(createSessions<Data>({ secret: SECRET, upgradeFrom: [{ ...flask, until }] }));
    visitor.cookies.set("session", "of-another-app");
    await visitor.visit((session) => session.login("ann"));
    await visitor.visit((session) => session.logout());
    expect([...visitor.cookies.keys()]).toEqual(["session"]);
  });

  test("deletes no cookie that has the own one's name", async () => {
    const cookie = { name: "session" };
    const visitor = new AsyncBrowser(
      createSessions<Data>({ secret: SECRET, cookie, upgradeFrom: [{ ...flask, until }] }),
    );
    const before = new AsyncBrowser(createSessions<Data>(flask));
    await before.visit((session) => session.login("ann"));
    for (const [name, value] of before.cookies) visitor.cookies.set(name, value);
    await visitor.visit(who);
    expect(visitor.setCookies).toHaveLength(1);
    expect(await visitor.visit(who)).toBe("ann");
  });
});
