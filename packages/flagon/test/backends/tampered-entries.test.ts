import { createSessions, type Session, type Sessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, DAY, type Data, SECRET } from "../browser.ts";
import { rowIdOf } from "../records.ts";

/*
 * What `revocations` keep is not sealed: whoever can write to that store can take away what ended a session, and delay what
 * they like. They make nobody of themselves that they have not signed in as.
 */
let clock: Clock;
let store: Store;
let sessions: Sessions<Data>;
let eve: AsyncBrowser;
let id: string;

beforeEach(async () => {
  clock = new Clock();
  store = memoryStore({ now: clock.now });
  sessions = createSessions<Data>({ secret: SECRET, revocations: { store, staleness: 0 }, now: clock.now });
  eve = new AsyncBrowser(sessions);
  await eve.visit((session) => session.set("a", 1));
  id = await eve.visit((session) => {
    session.login("eve");
    return session.id;
  });
});

/** Writes over the session's entry. */
async function tamper(entry: object): Promise<void> {
  const row = await store.read(`entry:${rowIdOf({ id })}`);
  if (row?.data == null) throw new Error("the session has no entry");
  const data = { ...JSON.parse(Buffer.from(row.data).toString()), ...entry };
  const version = row.version + 1;
  await store.replace({ ...row, version, data: Buffer.from(JSON.stringify(data)) }, row.version);
}

describe("an entry with another user in it", () => {
  const changes: [what: string, change: (session: Session<Data>) => void][] = [
    ["a change", (session) => session.set("a", 2)],
    ["rotate", (session) => session.rotate()],
    ["another sign-in", (session) => session.login("eve")],
    [
      "a sign-out and what begins after it",
      (session) => {
        session.logout();
        session.set("b", 1);
      },
    ],
    ["nothing but a renewal", (session) => void session.get("a")],
  ];

  test.each(changes)("makes nobody another one: %s", async (_, change) => {
    for (const entry of [{ userId: "admin" }, { userId: "admin", signInId: 0 }, { userId: "admin", since: 0 }]) {
      await tamper(entry);
      for (const ms of [0, 1_000_000]) {
        clock.pass(ms);
        await eve.visit(change);
        expect(["eve", null]).toContain(await eve.visit((session) => session.userId));
      }
    }
  });

  test("nor where a session begins after another one", async () => {
    const other = eve.copy();
    await eve.visit((session) => {
      session.logout();
      session.set("b", 1);
    });
    id = await eve.visit((session) => session.id);
    await tamper({ userId: "admin" });
    await other.visit((session) => {
      session.logout();
      session.set("c", 1);
    });
    expect(await other.visit((session) => session.userId)).toBeNull();
  });
});

test.each([
  ["in the future", 365 * DAY],
  ["null", null],
])("an entry whose sign-in is %s keeps no sign-in fresh for longer", async (_, ahead) => {
  const late = await eve.open();
  await eve.copy().visit((session) => session.login("eve"));
  await tamper({ authenticatedAt: ahead === null ? null : clock.time + ahead });
  late.login("eve");
  await eve.answer(late);
  expect(await eve.visit((session) => [session.userId, session.isFresh("10m")])).toEqual(["eve", true]);
  clock.pass(11 * 60_000);
  expect(await eve.visit((session) => session.isFresh("10m"))).toBe(false);
});

test("an entry whose sign-in is no time is told of as what it is", async () => {
  await tamper({ authenticatedAt: "soon" });
  const session = await eve.open();
  expect(() => session.userId).toThrow(expect.objectContaining({ code: "store_corrupt" }));
});
