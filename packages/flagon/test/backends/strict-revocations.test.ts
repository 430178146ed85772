import { createSessions, type Session } from "flagon";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, SECRET } from "../browser.ts";
import { strictMemoryStore } from "./strict-memory-store.ts";

/*
 * Sealed cookies, and a store that takes what ends one and rejects all the same: no replica has it. Nobody may be told that
 * the session is over.
 */
let isAlone: (command: "create" | "replace") => boolean;
let visitor: AsyncBrowser;

beforeEach(async () => {
  const clock = new Clock();
  const store = strictMemoryStore(clock.now, (command) => isAlone(command));
  const revocations = { store, staleness: 0 };
  visitor = new AsyncBrowser(createSessions<Data>({ secret: SECRET, revocations, now: clock.now }));
  isAlone = () => false;
  await visitor.visit((session) => session.login("u"));
});

const unavailable = { code: "store_unavailable", status: 503 };

const ends: [what: string, act: (session: Session<Data>) => unknown][] = [
  ["a sign-out", (session) => session.logout()],
  ["a new id", (session) => session.rotate()],
  ["revoke", (session) => visitor.sessions.revoke(session.id)],
  ["revokeUser", () => visitor.sessions.revokeUser("u")],
];

describe.each(ends)("%s", (_what, act) => {
  test("fails, and leaves the cookie alone, when the store can't answer for it", async () => {
    const before = new Map(visitor.cookies);
    isAlone = () => true;
    await expect(visitor.visit(act)).rejects.toMatchObject(unavailable);
    expect(visitor.cookies).toEqual(before);
  });

  test("is done when the store can answer for it once it is asked again", async () => {
    const thief = visitor.copy();
    isAlone = (command) => command === "create";
    await visitor.visit(act);
    expect(await thief.isKnown()).toBe(false);
  });
});
