import { createSessions, type Session, type Sessions } from "flagon";
import { flaskCodec } from "flagon/flask";
import { memoryStore } from "flagon/memory";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Config, FlaskPeer } from "./peer.ts";
import { SECRET } from "./support.ts";
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
const who = (session: Session<Data>): string | null => session.userId;

function visitor(options: Partial<Parameters<typeof flaskCodec>[0]> = {}): Visitor {
  return new Visitor(flask, plain, { codec: flaskCodec({ secretKey: SECRET, ...options }) });
}

/** Browsers of one address and one User-Agent, before one process of the TypeScript app. */
function visitors(count: number): Visitor[] {
  const all = Array.from({ length: count }, () => visitor());
  for (const each of all) Object.assign(each, { sessions: all[0]?.sessions });
  return all;
}

/** What the handler makes of the session, in a request of its own. */
async function ask<Answer>(browser: Visitor, handler: (session: Session<Data>) => Answer): Promise<Answer> {
  const answers: Answer[] = [];
  await browser.toTypeScript((session) => answers.push(handler(session)));
  return answers[0] as Answer;
}

/** What a copy of the browser's cookies of now would be answered. */
function copyOf(browser: Visitor): Visitor {
  const copy = visitor();
  Object.assign(copy, { sessions: browser.sessions, now: browser.now });
  for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
  return copy;
}

describeFlask("within one second", () => {
  it.each([
    ["rotate()", (session: Session<Data>) => session.rotate()],
    ["a second login()", (session: Session<Data>) => session.login("ada")],
  ])("%s gives another cookie, and signs nobody out", async (_, act) => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.login("ada"));
    for (let times = 0; times < 5; times++) {
      const before = copyOf(ada);
      await ada.toTypeScript(act);
      expect(ada.cookieHeader).not.toBe(before.cookieHeader);
      expect(await ask(ada, who)).toBe("ada");
      expect(await ask(before, who)).toBeNull();
    }
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: true });
  });

  it("two browsers that sign in here have a session each, and signing out of one ends that one", async () => {
    const [one, other] = visitors(2) as [Visitor, Visitor];
    for (const each of [one, other]) await each.toTypeScript((session) => session.login("ada"));
    const ids = [await ask(one, ({ id }) => id), await ask(other, ({ id }) => id)];
    expect(ids[0]).not.toBe(ids[1]);
    const copy = copyOf(one);
    await one.toTypeScript((session) => session.logout());
    expect([await ask(copy, who), await ask(other, who)]).toEqual([null, "ada"]);
    expect(await other.flaskSession()).toMatchObject({ user: "ada", fresh: true });
    expect(await ask(other, ({ id }) => id)).toBe(ids[1]);
  });

  it("visitors with one cookie of Flask's have nothing to do with each other", async () => {
    const [ada, bob, eve] = visitors(3) as [Visitor, Visitor, Visitor];
    for (const each of [ada, bob, eve]) await each.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
    expect(new Set([ada.cookieHeader, bob.cookieHeader, eve.cookieHeader]).size).toBe(1);
    await ada.toTypeScript((session) => session.login("ada"));
    await bob.toTypeScript((session) => session.logout());
    expect(await ask(eve, (session) => session.get("cart"))).toEqual(["tea"]);
    await eve.toTypeScript((session) => session.set("cart", ["milk"]));
    await bob.toTypeScript((session) => session.login("bob"));
    await ada.toTypeScript((session) => session.logout());
    expect([await ask(ada, who), await ask(bob, who), await ask(eve, who)]).toEqual([null, "bob", null]);
    expect(await ask(eve, (session) => session.get("cart"))).toEqual(["milk"]);
  });

  it.each(["in the cookie"])(
    "visitors with one cookie of Flask's can all sign in, however many there are, %s",
    async (kept) => {
      const all = visitors(40);
      const now = (): number => 1_700_000_000_000;
      const sessions = createSessions<Data>({
        codec: flaskCodec({ secretKey: SECRET }),
        ...(kept === "with revocations" && { revocations: { store: memoryStore({ now }), staleness: 0 as const } }),
        now,
      });
      for (const each of all) {
        Object.assign(each, { sessions });
        await each.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
      }
      for (const [index, each] of all.entries()) await each.toTypeScript((session) => session.login(index));
      for (const [index, each] of all.entries()) expect(await ask(each, who)).toBe(String(index));
      expect(new Set(await Promise.all(all.map((each) => ask(each, ({ id }) => id)))).size).toBe(all.length);
    },
  );

  it("visitors with one cookie of Flask's and a remember cookie each are told apart by that", async () => {
    const [ada, bob] = visitors(2) as [Visitor, Visitor];
    for (const [each, user] of [
      [ada, "ada"],
      [bob, "bob"],
    ] as const) {
      await each.toFlask({ method: "POST", path: "/login", json: { user, remember: true } });
      each.cookies.set("session", await flask.dump(plain, { dict: [["cart", ["tea"]]] }, each.now));
    }
    await ada.toTypeScript((session) => session.logout());
    expect(await ask(bob, who)).toBe("bob");
  });

  it.each(["in the cookie", "in the cookie, with revocations", "in a store"])(
    "visitors with one cookie of Flask's are taken over each, %s",
    async (kept) => {
      const [ada, bob] = visitors(2) as [Visitor, Visitor];
      const now = (): number => ada.now * 1_000;
      const sessions: Sessions<Data> = createSessions<Data>({
        secret: "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY",
        ...(kept === "in a store" && { store: memoryStore({ now }) }),
        ...(kept.endsWith("with revocations") && { revocations: memoryStore({ now }) }),
        upgradeFrom: [{ codec: flaskCodec({ secretKey: SECRET }), until: "2030-01-01" }],
        csrf: false,
        now,
      });
      for (const each of [ada, bob]) {
        await each.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
        Object.assign(each, { sessions });
      }
      for (const each of [ada, bob]) {
        expect(await ask(each, (session) => session.get("cart"))).toEqual(["tea"]);
      }
      await ada.toTypeScript((session) => session.login("ada"));
      await bob.toTypeScript((session) => session.set("cart", ["milk"]));
      expect(await ask(ada, (session) => [session.userId, session.get("cart")])).toEqual(["ada", ["tea"]]);
      expect(await ask(bob, (session) => [session.userId, session.get("cart")])).toEqual([null, ["milk"]]);
    },
  );
});

describeFlask("a session's id", () => {
  const idOf = (browser: Visitor): Promise<string> => ask(browser, ({ id }) => id);

  it("is the same through what either side writes", async () => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.set("a", 1));
    const id = await idOf(ada);
    ada.now += 5;
    await ada.toFlask({ method: "POST", path: "/set", json: { b: "c" } });
    expect(await idOf(ada)).toBe(id);
    await ada.toTypeScript((session) => session.set("a", 2));
    ada.now += 5;
    await ada.toFlask({ method: "POST", path: "/flash", json: { message: "hello" } });
    expect(await idOf(ada)).toBe(id);
  });

  it("is another one for each who signs in or out on Flask, and then the same", async () => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.set("a", 1));
    const ids = [await idOf(ada)];
    for (const path of ["/login", "/logout", "/login"]) {
      ada.now += 1;
      await ada.toFlask({ method: "POST", path, json: { user: ids.length === 1 ? "ada" : "bob" } });
      const id = await idOf(ada);
      if (path === "/login") expect(ids).not.toContain(id);
      ids.push(id);
      ada.now += 1;
      await ada.toTypeScript((session) => session.set("a", ids.length));
      expect(await idOf(ada)).toBe(id);
      await ada.toFlask({ method: "POST", path: "/set", json: { b: String(ids.length) } });
      expect(await idOf(ada)).toBe(id);
    }
    expect(ids[2]).not.toBe(ids[1]);
    expect(await ask(ada, who)).toBe("bob");
  });

  it("is made anew where Flask dropped it, or the key holds something else", async () => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.set("a", 1));
    const before = await idOf(ada);
    await ada.toFlask({ method: "POST", path: "/clear" });
    await ada.toFlask({ method: "POST", path: "/set", json: { a: "b" } });
    await ada.toTypeScript((session) => session.set("a", 2));
    expect(await idOf(ada)).not.toBe(before);
    for (const odd of ["", "x", { int: "7" }, "A".repeat(44), [], `${"A".repeat(42)}B`, "A".repeat(43)]) {
      await ada.toFlask({ method: "POST", path: "/set", json: { _flagon: odd } });
      expect(await ask(ada, (session) => session.get("a"))).toBe(2);
      await ada.toTypeScript((session) => session.login("ada"));
      expect(await ask(ada, (session) => [session.userId, session.keys()])).toEqual(["ada", ["a"]]);
    }
    await ada.toTypeScript((session) => expect(() => session.set("_flagon", "x")).toThrow("Flagon's own"));
  });

  it("is not written where nothing but the cookie's age changed", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada", permanent: true } });
    ada.now += 60;
    const before = ada.cookies.get("session")?.split(".") ?? [];
    expect(await ada.toTypeScript((session) => void session.userId)).toHaveLength(1);
    const after = ada.cookies.get("session")?.split(".") ?? [];
    expect([after.slice(0, -2), after.at(-2) === before.at(-2)]).toEqual([before.slice(0, -2), false]);
  });
});

describeFlask("old cookies", () => {
  it("are dead from the sign-out on, those that Flask signed since among them", async () => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.login("ada"));
    const copies = [copyOf(ada)];
    ada.now += 10;
    await ada.toFlask({ method: "POST", path: "/set", json: { a: "b" } });
    copies.push(copyOf(ada));
    ada.now += 10;
    await ada.toTypeScript((session) => session.logout());
    for (const copy of copies) {
      copy.now = ada.now;
      expect(await ask(copy, who)).toBeNull();
    }
  });

  it("open again once somebody signed in on Flask with them", async () => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.login("ada"));
    const slow = copyOf(ada);
    ada.now += 10;
    await ada.toTypeScript((session) => session.logout());
    // A slow answer of Flask's brings the cookie back into the browser, where it is refused here.
    slow.now = ada.now;
    await slow.toFlask({ method: "POST", path: "/set", json: { a: "b" } });
    expect(await ask(slow, who)).toBeNull();
    ada.now += 10;
    slow.now = ada.now;
    await slow.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
    expect(await ask(slow, who)).toBe("ada");
    await slow.toTypeScript((session) => session.set("a", 1));
    expect(await ask(slow, (session) => [session.userId, session.get("a")])).toEqual(["ada", 1]);
    const copy = copyOf(slow);
    await slow.toTypeScript((session) => session.logout());
    expect(await ask(copy, who)).toBeNull();
  });

  it.each([
    ["signs in", (session: Session<Data>) => session.login("ada")],
    ["signs out", (session: Session<Data>) => session.logout()],
  ])(
    "of a visitor whom only Flask has written keep nothing that was under way when somebody %s here",
    async (_, act) => {
      const ada = visitor();
      await ada.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
      const slow = copyOf(ada);
      const lines = await slow.toTypeScript(async (session) => {
        session.set("late", true);
        await ada.toTypeScript(act);
      });
      expect(lines).toEqual([]);
    },
  );
});
