import { inspect } from "node:util";
import { createSessions, type Session, type SessionError, type Sessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, MINUTE, SECRET } from "../browser.ts";

/*
 * A write that gives the session a new cookie gets no answer: the command was lost, or it took effect and its answer was lost.
 * Either way the error's response has the cookie, and that opens the session; nothing is doubled, and nobody is signed out.
 */
type Fate = "answered" | "lost" | "unanswered";

let clock: Clock;
let fate: Fate;
let store: Store;

beforeEach(() => {
  clock = new Clock();
  fate = "answered";
  const inner = memoryStore({ now: clock.now });
  const spoiled = async <Answer>(command: () => Promise<Answer>): Promise<Answer> => {
    if (fate === "lost") throw new Error("connection lost");
    const answer = await command();
    if (fate === "unanswered") throw new Error("connection lost");
    return answer;
  };
  store = {
    ...inner,
    create: (session) => spoiled(() => inner.create(session)),
    replace: (session, version) => spoiled(() => inner.replace(session, version)),
  };
});

const backends: [name: string, make: () => Sessions<Data>][] = [
  ["a store", () => createSessions<Data>({ secret: SECRET, now: clock.now, store })],
  [
    "sealed cookies with revocations",
    () => createSessions<Data>({ secret: SECRET, now: clock.now, revocations: { store, staleness: 0 } }),
  ],
];

const acts: [name: string, act: (session: Session<Data>) => void][] = [
  ["a rotation", (session) => session.rotate()],
  ["a repeated sign-in", (session) => session.login("u")],
  [
    "a change of permanent",
    (session) => {
      session.permanent = true;
    },
  ],
];

/** The request's failure, and the browser has taken its cookie. */
async function failing(visitor: AsyncBrowser, act: (session: Session<Data>) => void): Promise<SessionError> {
  const session = await visitor.open();
  act(session);
  const error = await visitor.answer(session).then(
    () => expect.fail("the commit did not fail"),
    (failure: SessionError) => failure,
  );
  const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(error.headers["set-cookie"] ?? "") ?? [];
  if (name !== "") visitor.cookies.set(name, value);
  return error;
}

describe.each(backends)("in %s", (_backend, make) => {
  describe.each(["lost", "unanswered"] as const)("a command that is %s:", (how) => {
    test.each(acts)("%s leaves a cookie that opens the session", async (_act, act) => {
      const visitor = new AsyncBrowser(make());
      await visitor.visit((session) => {
        session.login("u");
        session.set("cart", 1);
      });
      const before = visitor.copy();
      fate = how;
      const error = await failing(visitor, act);
      expect(error).toMatchObject({ code: "store_unavailable", status: 503 });
      expect(error.headers).toMatchObject({ "retry-after": "5", "cache-control": "no-store" });
      fate = "answered";
      expect(visitor.cookies).not.toEqual(before.cookies);
      for (const passed of [0, MINUTE]) {
        clock.pass(passed);
        expect(await visitor.visit((session) => [session.userId, session.get("cart")])).toEqual(["u", 1]);
      }
      await visitor.visit((session) => session.rotate());
      expect(await visitor.visit((session) => session.userId)).toBe("u");
      expect(await before.isKnown()).toBe(false);
    });
  });

  test("no log shows the cookie", async () => {
    const visitor = new AsyncBrowser(make());
    await visitor.visit((session) => session.login("u"));
    fate = "unanswered";
    const error = await failing(visitor, (session) => session.rotate());
    const [cookie = ""] = visitor.cookies.values();
    expect(error.headers["set-cookie"]).toContain(cookie);
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error) + String(error.stack)).not.toContain(cookie);
  });
});

test("a change that needs no new cookie brings none", async () => {
  const visitor = new AsyncBrowser(createSessions<Data>({ secret: SECRET, now: clock.now, store }));
  await visitor.visit((session) => session.set("n", 1));
  fate = "unanswered";
  const error = await failing(visitor, (session) => session.set("n", 2));
  expect(error.headers).toEqual({ "retry-after": "5" });
});

describe.each(["lost", "unanswered"] as const)("a stranger's sign-in whose command is %s", (how) => {
  test("leaves no device in the list, however often it is tried", async () => {
    const sessions = createSessions<Data>({ secret: SECRET, now: clock.now, store });
    for (let tries = 0; tries < 3; tries++) {
      const visitor = new AsyncBrowser(sessions);
      fate = how;
      const error = await failing(visitor, (session) => session.login("u"));
      expect(error.headers["set-cookie"]).toBeUndefined();
      fate = "answered";
      expect(await sessions.list("u")).toEqual([]);
    }
  });
});
