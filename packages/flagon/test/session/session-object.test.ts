import { inspect } from "node:util";
import { createSessions, type Session } from "flagon";
import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { Browser, type Data, requestOf, SECRET } from "../browser.ts";

const newSession = (): Session<Data> => new Browser(createSessions<Data>({ secret: SECRET })).open();

/** Runs as most of npm's older packages do: what a frozen object refuses is no error there. */
function sloppy(code: string, session: object): unknown {
  return new Function("session", code)(session);
}

function strict(code: string, session: object): unknown {
  return new Function("session", `"use strict"; ${code}`)(session);
}

/** Everything but the language's own that can be reached from a session without asking it anything. */
function reachableFrom(session: object): Map<string, object> {
  const own = new Set<unknown>([Object.prototype, Function.prototype]);
  const found = new Map<string, object>();
  const walk = (value: unknown, path: string): void => {
    if (
      !(value instanceof Object || Object(value) === value) ||
      own.has(value) ||
      [...found.values()].includes(value as object)
    )
      return;
    found.set(path, value as object);
    walk(Object.getPrototypeOf(value), `${path}.__proto__`);
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value as object))) {
      for (const part of ["value", "get", "set"] as const) walk(descriptor[part], `${path}.${key}(${part})`);
    }
  };
  walk(session, "session");
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(session))) {
    walk(session[name as keyof typeof session], `session.${name}`);
  }
  return found;
}

describe("what all sessions share", () => {
  test("can be written to by nobody: class, prototypes, methods, getters and setters", () => {
    const reachable = reachableFrom(newSession());
    expect(reachable.size).toBeGreaterThan(70);
    for (const [path, object] of reachable) {
      expect(() => Object.defineProperty(object, "alice", { value: 1 }), path).toThrow(TypeError);
      expect(() => Object.setPrototypeOf(object, {}), path).toThrow(TypeError);
      for (const run of [sloppy, strict]) expect(() => run("session.alice = 1", object), path).toThrow(TypeError);
      for (const [key, { configurable, writable }] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
        expect([path, key, configurable, writable ?? false]).toEqual([path, key, false, false]);
      }
    }
  });

  test("no message of one visitor is on another's session, whatever connect-flash does to it", () => {
    const [alice, bob] = [newSession(), newSession()];
    const connectFlash =
      "const messages = session.flash = session.flash || {}; (messages.info = messages.info || []).push('for Alice')";
    expect(() => sloppy(connectFlash, alice)).toThrow(
      /session\.flash can't be assigned.*session\.flash\(message, category\)/,
    );
    expect(() => sloppy("(session.flash.info = session.flash.info || []).push('for Alice')", alice)).toThrow(/info/);
    expect(Object.keys(bob.flash)).toEqual([]);
    expect(sloppy("return session.flash.info", bob)).toBeUndefined();
  });

  test.each([
    ["flashes", (session: Session<Data>) => session.flashes()],
    ["keys", (session: Session<Data>) => session.keys()],
    ["entries", (session: Session<Data>) => session.entries()],
    ["an object that get hands out", (session: Session<Data>) => session.get("cart") as unknown[]],
  ])("is nothing that it answers with: %s", async (_, ask) => {
    for (const options of [{}, { store: memoryStore() }, { revocations: memoryStore() }]) {
      const sessions = createSessions<Data>({ secret: SECRET, ...options });
      const first = await sessions.open(requestOf());
      first.set("cart", ["tea"]).flash("saved");
      const line = (await sessions.commit(first)).find(([name]) => name === "Set-Cookie")?.[1] ?? "";
      const cookie = line.split(";")[0];
      const open = async (): Promise<Session<Data>> => sessions.open(requestOf({ cookie }));
      const before = JSON.stringify(ask(await open()));
      for (const answer of [ask(await open())]) {
        for (const each of answer)
          if (Object(each) === each) Object.assign(each as object, { message: "changed", 0: "changed" });
        answer.push("more" as never);
      }
      expect(JSON.stringify(ask(await open()))).toBe(before);
    }
  });
});

describe("what is put on a session is an error that says what to use", () => {
  const cases: [code: string, words: RegExp][] = [
    ["session.cart = []", /^session\.cart would be lost: use session\.set\("cart", …\)$/],
    ["session['oauth2:provider'] = { state: {} }", /session\.set\("oauth2:provider", …\)/],
    ["session.returnTo = '/cart'", /session\.set\("returnTo", …\)/],
    ["Object.assign(session, { cart: [] })", /session\.set\("cart", …\)/],
    ["Reflect.set(session, 'cart', [])", /session\.set\("cart", …\)/],
    ["session.cart ??= []", /session\.set\("cart", …\)/],
    ["session.views++", /session\.set\("views", …\)/],
    ["session.__proto__ = {}", /session\.set\("__proto__", …\)/],
    ["session.toString = () => 'x'", /session\.set\("toString", …\)/],
    ["session[Symbol('mine')] = 1", /Symbol\(mine\)/],
    ["Object.create(session).cart = []", /session\.set\("cart", …\)/],
    ["session.user = { id: '7' }", /session\.login\(userId\)/],
    ["session.passport = {}", /session\.login\(userId\)/],
    ["session.userId = '7'", /session\.login\(userId\)/],
    ["session.messages = []", /session\.flash\(message, category\)/],
    ["session.flash = {}", /session\.flash\(message, category\)/],
    ["session.get = () => 1", /^session\.get can't be assigned/],
    ["session.id = 'a'", /^session\.id can't be assigned/],
    ["session.size = 0", /^session\.size can't be assigned/],
    [
      "session.regenerate = (done) => done()",
      /session\.regenerate would be lost: use session\.login\(userId\) or session\.rotate\(\)/,
    ],
    ["session.save = (done) => done()", /^session\.save can't be assigned: await session\.save\(\)$/],
    ["session.destroy = (done) => done()", /^session\.destroy can't be assigned/],
    ["session.cookie = {}", /session\.permanent/],
    ["session.cookie.maxAge = 1000", /there is no session\.cookie: use session\.permanent/],
    ["session.maxAge = 1000", /session\.permanent/],
    ["session.flash.info = ['for Alice']", /info would be lost/],
    ["session.constructor.users = []", /users would be lost/],
    ["Object.defineProperty(session, 'cart', { value: [] })", /cart/],
    ["Object.setPrototypeOf(session, {})", /not extensible/],
    ["session.__defineGetter__('cart', () => [])", /cart/],
  ];

  test.each(cases)("%s", (code, words) => {
    for (const run of [sloppy, strict]) {
      const session = newSession();
      expect(() => run(code, session)).toThrow(TypeError);
      expect(() => run(code, session)).toThrow(words);
      expect(Reflect.ownKeys(session)).toEqual([]);
    }
  });

  test("but for what may be assigned", () => {
    const session = newSession();
    sloppy("session.permanent = true", session);
    expect(session.permanent).toBe(true);
  });

  test("and what is not there is undefined, as on any object", () => {
    const session = newSession();
    expect(sloppy("return [session.cart, session.user, session.then, session[Symbol.iterator]]", session)).toEqual(
      new Array(4).fill(undefined),
    );
    expect(sloppy("return ['regenerate' in session, 'get' in session]", session)).toEqual([false, true]);
    expect(String(session)).toBe("[object Object]");
  });
});

describe("a callback that would never be called is an error, and nothing is done", () => {
  test.each([
    ["destroy", "session.destroy((error) => {})", /^session\.destroy takes no callback/],
    ["logout", "session.logout(() => {})", /^session\.logout takes no callback/],
    ["login", "session.login('7', () => {})", /^session\.login takes no callback/],
    ["login with options", "session.login('7', {}, () => {})", /^session\.login takes no callback/],
    ["rotate", "session.rotate(() => {})", /^session\.rotate takes no callback/],
    ["clear", "session.clear(() => {})", /^session\.clear takes no callback/],
    ["save", "session.save((error) => {})", /^session\.save takes no callback: await it, and go on$/],
    ["regenerate", "session.regenerate(() => {})", /no session\.regenerate\(\): use session\.login\(userId\) or/],
    ["reload", "session.reload(() => {})", /no session\.reload\(\)/],
    ["touch", "session.touch()", /no session\.touch\(\)/],
  ])("%s", (_, code, words) => {
    const browser = new Browser(createSessions<Data>({ secret: SECRET }));
    browser.visit((session) => session.set("cart", ["tea"]).login("ann"));
    browser.visit((session) => {
      expect(() => sloppy(code, session)).toThrow(TypeError);
      expect(() => sloppy(code, session)).toThrow(words);
    });
    browser.visit((session) => expect([session.userId, session.get("cart")]).toEqual(["ann", ["tea"]]));
    expect(browser.setCookies).toEqual([]);
  });
});

describe("a session that is shown", () => {
  test("shows nothing of what it holds, and is not looked at for that", () => {
    const browser = new Browser(createSessions<Data>({ secret: SECRET }));
    browser.visit((session) => session.set("card", "4111").login("ann"));
    const shown = browser.visit((session) => [
      JSON.stringify(session),
      JSON.stringify({ ...session }),
      JSON.stringify(structuredClone(session)),
      inspect(session, { depth: 9 }),
      `${session}`,
    ]);
    expect(shown).toEqual(["{}", "{}", "{}", "Session {}", "[object Object]"]);
    expect(browser.lines).toEqual([]);
  });

  test("once it was looked at, neither", () => {
    const session = newSession();
    session.set("card", "4111").login("ann");
    expect([JSON.stringify(session), inspect(session, { depth: 9 })]).toEqual(["{}", "Session {}"]);
    expect(Object.fromEntries(session.entries())).toEqual({ card: "4111" });
  });
});
