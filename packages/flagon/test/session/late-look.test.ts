import { createSessions, type HeaderLine, type OpenRequest, type Session, SessionError, type Sessions } from "flagon";
import { flaskCodec } from "flagon/flask";
import { afterEach, describe, expect, test } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { SwitchableStore } from "../../src/testing/adapter/client.ts";
import { type Data, type Headers, requestOf, SECRET } from "../browser.ts";

const backends: [name: string, make: () => Sessions<Data>][] = [
  ["sealed", () => createSessions<Data>({ secret: SECRET })],
  ["sealed with revocations", () => createSessions<Data>({ secret: SECRET, revocations: memoryStore() })],
  ["stored", () => createSessions<Data>({ secret: SECRET, store: memoryStore() })],
];

const looks: [what: string, look: (session: Session<Data>) => unknown, answer: unknown][] = [
  ["get", (session) => session.get("cart"), ["tea"]],
  ["has", (session) => session.has("cart"), true],
  ["keys", (session) => session.keys(), ["cart"]],
  ["entries", (session) => session.entries(), [["cart", ["tea"]]]],
  ["size", (session) => session.size, 1],
  ["userId", (session) => session.userId, "ann"],
  ["id", (session) => session.id, expect.any(String)],
  ["isNew", (session) => session.isNew, false],
  ["createdAt", (session) => session.createdAt, expect.any(Number)],
  ["authenticatedAt", (session) => session.authenticatedAt, expect.any(Number)],
  ["expiresAt", (session) => session.expiresAt, expect.any(Number)],
  ["flashes", (session) => session.flashes(), [{ message: "Hello", category: "message" }]],
  ["permanent", (session) => session.permanent, false],
  ["isFresh", (session) => session.isFresh("1h"), true],
  ["checkCsrfToken", (session) => session.checkCsrfToken("a"), false],
];

const changes: [what: string, change: (session: Session<Data>) => unknown][] = [
  ["set", (session) => session.set("a", 1)],
  ["pop", (session) => session.pop("cart")],
  ["delete", (session) => session.delete("cart")],
  ["clear", (session) => session.clear()],
  ["update", (session) => session.update("n", () => 1)],
  ["flash", (session) => session.flash("hi")],
  [
    "permanent",
    (session) => {
      session.permanent = true;
    },
  ],
  ["login", (session) => session.login("bob")],
  ["logout", (session) => session.logout()],
  ["rotate", (session) => session.rotate()],
  ["destroy", (session) => session.destroy()],
  ["csrfToken", (session) => session.csrfToken()],
];

interface Answered {
  readonly session: Session<Data>;
  readonly lines: readonly HeaderLine[];
}

/** A request that nobody looked at its session in, to the moment at which the response's head has left. */
async function leave(
  sessions: Sessions<Data>,
  cookie: string | undefined,
  { response = {}, request = {} }: { response?: Headers; request?: Partial<OpenRequest> } = {},
): Promise<Answered> {
  const session = await sessions.open({ ...requestOf({ cookie }), ...request });
  return { session, lines: await sessions.commit(session, { header: (name) => response[name] }) };
}

async function signIn(sessions: Sessions<Data>): Promise<string | undefined> {
  const session = await sessions.open(requestOf());
  session.set("cart", ["tea"]).flash("Hello");
  session.login("ann");
  const lines = await sessions.commit(session);
  return lines.find(([name]) => name === "Set-Cookie")?.[1].split(";")[0];
}

const warnings: Error[] = [];
const hear = (warning: Error): void => void warnings.push(warning);
process.on("warning", hear);
afterEach(() => {
  warnings.splice(0);
});

/** What the process was warned of, once everything that was set going has had its turn. */
async function warned(): Promise<string[]> {
  await import("../../src/state/late-look.ts");
  await new Promise((resolve) => setTimeout(resolve, 5));
  return warnings.splice(0).map(({ message }) => message);
}

describe.each(backends)("once the response's head has left, %s", (_, make) => {
  test.each(looks)("the first look reads what is there: %s", async (_, look, answer) => {
    const sessions = make();
    const cookie = await signIn(sessions);
    const { session, lines } = await leave(sessions, cookie);
    expect([lines, look(session)]).toEqual([[], answer]);
    expect(look(await sessions.open(requestOf({ cookie })))).toEqual(answer);
  });

  test("a visitor without a cookie reads as one", async () => {
    const { session } = await leave(make(), undefined);
    expect([session.userId, session.isNew, session.get("cart"), session.flashes()]).toEqual([
      null,
      true,
      undefined,
      [],
    ]);
  });

  test.each(changes)("a change throws, looked at or not, and is no change: %s", async (_, change) => {
    const sessions = make();
    const cookie = await signIn(sessions);
    const { session } = await leave(sessions, cookie);
    for (let times = 0; times < 2; times += 1) {
      expect(() => change(session)).toThrow(TypeError);
      expect(() => change(session)).toThrow(/changed after the response had started/);
      expect([session.userId, session.get("cart"), session.flashes().length]).toEqual(["ann", ["tea"], 1]);
    }
    expect(await sessions.commit(session)).toEqual([]);
  });
});

describe("a response that left as cacheable", () => {
  const sessions = createSessions<Data>({ secret: SECRET });
  let routes = 0;
  const lookAt = async (response: Headers, request: Partial<OpenRequest> = {}): Promise<string[]> => {
    const url = `https://shop.example/route/${routes++}?token=secret#a`;
    const { session } = await leave(sessions, undefined, { response, request: { url, ...request } });
    void [session.userId, session.id];
    return warned();
  };

  test.each<[name: string, value: string]>([
    ["cache-control", "public"],
    ["cache-control", "public, max-age=60"],
    ["cache-control", "no-transform,PUBLIC"],
    ["cache-control", "max-age=60"],
    ["cache-control", "s-maxage=60"],
    ["cache-control", "max-age=60, stale-while-revalidate=600"],
    ["cache-control", 'private="x-mine", max-age=60'],
    ["cdn-cache-control", "max-age=60"],
  ])("and became personal later is told once, with its route: %s: %s", async (name, value) => {
    const [message, ...others] = await lookAt({ [name]: value });
    expect(message).toMatch(/^GET \/route\/\d+ left as cacheable before its session was looked at/);
    expect(others).toEqual([]);
  });

  test.each<[value: string | undefined]>([
    [undefined],
    [""],
    ["private"],
    ["private, max-age=60"],
    ["max-age=60, private"],
    ["no-store"],
    ["no-store, max-age=60"],
    ["no-cache"],
    ["must-revalidate"],
  ])("it is not with Cache-Control: %s", async (value) => {
    expect(await lookAt({ "cache-control": value })).toEqual([]);
  });

  test("is told of with its code, once for each route of a process", async () => {
    const url = "http://127.0.0.1:3000/news?page=1";
    await lookAt({ "cache-control": "public" }, { url });
    await lookAt({ "cache-control": "public" }, { url: "https://other.example/news?page=2" });
    const again = createSessions<Data>({ secret: SECRET });
    const { session } = await leave(again, undefined, { response: { "cache-control": "public" }, request: { url } });
    void session.userId;
    expect(await lookAt({ "cache-control": "public" }, { url, method: "POST" })).toEqual([
      expect.stringMatching(/^POST \/news left/),
    ]);
  });

  test("has a code that can be listened for", async () => {
    const told = new Promise((resolve) => process.once("warning", resolve));
    void lookAt({ "cache-control": "public" });
    expect(await told).toMatchObject({ name: "FlagonWarning", code: "FLAGON_LATE_LOOK" });
  });

  test("is no news once it is over: what is read then is for a log", async () => {
    expect(await lookAt({ "cache-control": "public" }, { isAnswered: true })).toEqual([]);
  });

  test("is no news when the session was looked at in time", async () => {
    const session = await sessions.open(requestOf({}, "GET", "https://shop.example/early"));
    void session.userId;
    await sessions.commit(session, { header: () => undefined });
    void session.userId;
    expect(await warned()).toEqual([]);
  });

  test("is remembered for a hundred routes at most: paths are a visitor's to choose", async () => {
    for (let count = 0; count < 120; count += 1) {
      const request = { url: `https://shop.example/scan/${count}` };
      void (await leave(sessions, undefined, { response: { "cache-control": "public" }, request })).session.userId;
    }
    expect((await warned()).length).toBeLessThanOrEqual(100);
    expect(await lookAt({ "cache-control": "public" })).toEqual([]);
  });
});

describe("a session whose store failed", () => {
  const failing = async (request: Partial<OpenRequest>, isCommitted = true): Promise<Session<Data>> => {
    const store = new SwitchableStore(memoryStore());
    const sessions = createSessions<Data>({ secret: SECRET, store });
    const cookie = await signIn(sessions);
    store.isDown = true;
    const session = await sessions.open(Object.assign(requestOf({ cookie }), request));
    if (isCommitted) expect(await sessions.commit(session)).toEqual([]);
    return session;
  };

  test("throws at a late look as at an early one, each time, while the response is under way", async () => {
    for (const isAnswered of [false, undefined]) {
      for (const session of [await failing({ isAnswered }), await failing({ isAnswered }, false)]) {
        for (let times = 0; times < 2; times += 1) expect(() => session.userId).toThrow(SessionError);
        expect(() => session.get("cart")).toThrow(expect.objectContaining({ status: 503 }));
      }
    }
  });

  test("reads as a new one when the response is over, sent or broken off, and can't be changed", async () => {
    for (const session of [await failing({ isAnswered: true }), await failing({ isAnswered: true }, false)]) {
      expect([session.userId, session.isNew, session.get("cart"), session.flashes()]).toEqual([
        null,
        true,
        undefined,
        [],
      ]);
      for (const [, change] of changes) expect(() => change(session)).toThrow(TypeError);
    }
  });

  test("is not changed by a first call that finds the response broken off", async () => {
    for (const [, change] of changes) {
      const session = await failing({ isAnswered: true }, false);
      expect(() => change(session)).toThrow(/changed after the response had started/);
    }
  });
});

test("a look too late to take an old format's session over leaves it for the next request", async () => {
  const codec = flaskCodec({ secretKey: "an old app's key, and a long one: 8Zr5nYb2Kd" });
  const old = await (async () => {
    const sessions = createSessions<Data>({ codec });
    const session = await sessions.open(requestOf());
    session.set("cart", ["tea"]);
    return (await sessions.commit(session)).find(([name]) => name === "Set-Cookie")?.[1].split(";")[0];
  })();
  const sessions = createSessions<Data>({
    secret: SECRET,
    store: memoryStore(),
    upgradeFrom: [{ codec, until: "2999-01-01" }],
  });
  const { session } = await leave(sessions, old);
  const { session: again } = await leave(sessions, old);
  expect([session.get("cart"), session.id]).toEqual([["tea"], again.id]);
  const next = await sessions.open(requestOf({ cookie: old }));
  expect(next.get("cart")).toEqual(["tea"]);
  expect((await sessions.commit(next)).length).toBeGreaterThan(0);
});
