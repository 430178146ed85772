import { createSessions, type SessionError, type Store } from "flagon";
import { beforeEach, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, SECRET } from "../browser.ts";
import { strictMemoryStore } from "./strict-memory-store.ts";

/*
 * A store that takes a write and rejects all the same: no replica has it, the other data centre does not answer. Nobody
 * may be told that such a write is done, and what it left behind is in nobody's way.
 */
let isAlone: (command: "create" | "replace") => boolean;
/** Which rows the store fails to read. */
let isUnreadable: (id: string) => boolean;
let visitor: AsyncBrowser;

beforeEach(async () => {
  const clock = new Clock();
  const strict = strictMemoryStore(clock.now, (command) => isAlone(command));
  const store: Store = {
    ...strict,
    read: (id) => (isUnreadable(id) ? Promise.reject(new Error("not readable")) : strict.read(id)),
  };
  visitor = new AsyncBrowser(createSessions<Data>({ secret: SECRET, store, now: clock.now }));
  isAlone = () => false;
  isUnreadable = () => false;
  await visitor.visit((session) => session.set("cart", 1));
});

const unavailable = { code: "store_unavailable", status: 503, headers: { "retry-after": "5" } };

test("a changed session: the request fails, the cookie stays, and the next change is made", async () => {
  const before = new Map(visitor.cookies);
  isAlone = () => true;
  await expect(visitor.visit((session) => session.set("a", 1))).rejects.toMatchObject(unavailable);
  isAlone = () => false;
  await visitor.visit((session) => session.set("b", 2));
  expect(visitor.cookies).toEqual(before);
  expect(await visitor.visit((session) => session.get("cart"))).toBe(1);
});

test("a first session: the request fails, without a cookie", async () => {
  const stranger = new AsyncBrowser(visitor.sessions);
  isAlone = () => true;
  await expect(stranger.visit((session) => session.set("a", 1))).rejects.toMatchObject(unavailable);
  expect(stranger.cookies.size).toBe(0);
});

test("a sign-in of a stranger: fails each time, and leaves no session in the user's list", async () => {
  const stranger = new AsyncBrowser(visitor.sessions);
  for (let tries = 0; tries < 3; tries++) {
    isAlone = () => true;
    await expect(stranger.visit((session) => session.login("u"))).rejects.toMatchObject(unavailable);
    isAlone = () => false;
    expect(await stranger.sessions.list("u")).toEqual([]);
  }
  await stranger.visit((session) => session.login("u"));
  expect(await stranger.visit((session) => session.userId)).toBe("u");
  expect(await stranger.sessions.list("u")).toHaveLength(1);
});

test("a sign-in of a visitor: fails, and its answer has the cookie that opens what was written; the next one goes on with it", async () => {
  isAlone = (command) => command === "replace";
  const session = await visitor.open();
  session.login("u");
  const error = await visitor.answer(session).then(
    () => null,
    (failure: SessionError) => failure,
  );
  expect(error).toMatchObject(unavailable);
  isAlone = () => false;
  expect(await visitor.sessions.list("u")).toHaveLength(1);
  const [, value = ""] = /=([^;]*)/.exec(error?.headers["set-cookie"] ?? "") ?? [];
  visitor.cookies.set("__Host-Http-session", value);
  expect(await visitor.visit((each) => [each.userId, each.get("cart")])).toEqual(["u", 1]);
  await visitor.visit((each) => each.login("u"));
  expect(await visitor.sessions.list("u")).toHaveLength(1);
});

test("a sign-in after somebody else's, whose new session alone can't be kept: fails, and the next one takes it over", async () => {
  await visitor.visit((session) => session.login("v"));
  const before = visitor.copy();
  let isLost = false;
  isAlone = (command) => {
    isLost ||= command === "create";
    return isLost;
  };
  await expect(visitor.visit((session) => session.login("u"))).rejects.toMatchObject(unavailable);
  isAlone = () => false;
  expect(await before.isKnown()).toBe(false);
  await visitor.visit((session) => session.login("u"));
  expect(await visitor.visit((session) => session.userId)).toBe("u");
  expect(await visitor.sessions.list("u")).toHaveLength(1);
});

test("a sign-in of a stranger whose user's mark can't be looked for: fails, and leaves no session in the list", async () => {
  const stranger = new AsyncBrowser(visitor.sessions);
  isUnreadable = (id) => id.startsWith("user:");
  await expect(stranger.visit((session) => session.login("u"))).rejects.toMatchObject(unavailable);
  expect(stranger.cookies.size).toBe(0);
  expect(await stranger.sessions.list("u")).toEqual([]);
});

test("a session that the store can't answer for at first, and can when it is asked again: the request is answered", async () => {
  isAlone = (command) => command === "create";
  const stranger = new AsyncBrowser(visitor.sessions);
  await stranger.visit((session) => session.login("u"));
  expect(await stranger.visit((session) => session.userId)).toBe("u");
  expect(await stranger.sessions.list("u")).toHaveLength(1);
});
