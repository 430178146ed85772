import { createSessions, type Session, type Sessions, type Store, sealed } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, DAY, type Data, NOON, SECRET } from "../browser.ts";
import { rowIdOf } from "../records.ts";

let clock: Clock;
let store: Store;
let sessions: Sessions<Data>;
let visitor: AsyncBrowser;

beforeEach(async () => {
  clock = new Clock();
  store = memoryStore({ now: clock.now });
  sessions = createSessions<Data>({ secret: SECRET, now: clock.now, store });
  visitor = new AsyncBrowser(sessions);
});

const tooLarge = { name: "SessionError", code: "session_too_large", status: 500, expose: false };
const MEGABYTE = "x".repeat(1_000_000);

test("a session in a store may hold a megabyte", async () => {
  await visitor.visit((session) => session.set("history", MEGABYTE));
  await visitor.visit((session) => session.set("n", 1));
  expect(await visitor.visit((session) => [session.get("history"), session.get("n")])).toEqual([MEGABYTE, 1]);
});

test("two megabytes to the byte, and not one more; the row is 36 bytes longer", async () => {
  const write = (length: number): Promise<void> =>
    visitor.visit((session) => void session.set("a", "x".repeat(length)));
  const rowBytes = async (): Promise<number> => (await store.read(rowIdOf(await visitor.open())))?.data?.length ?? 0;
  await write(1_000);
  const most = 1_000 + 2_000_036 - (await rowBytes());
  await write(most);
  expect(await rowBytes()).toBe(2_000_036);
  await expect(write(most + 1)).rejects.toMatchObject(tooLarge);
  expect(await visitor.visit((session) => String(session.get("a")).length)).toBe(most);
});

describe("a session that would grow past two megabytes", () => {
  const fill = (session: Session<Data>): void => {
    session.set("small", "secret text");
    session.set("history", MEGABYTE);
    session.set("cart", `${MEGABYTE}é`);
  };
  const changes: [title: string, change: (session: Session<Data>) => void][] = [
    ["a change", fill],
    [
      "a change under a new id",
      (session) => {
        fill(session);
        session.rotate();
      },
    ],
    [
      "a sign-in",
      (session) => {
        session.login("u");
        fill(session);
      },
    ],
    [
      "flashes",
      (session) => {
        for (let n = 0; n < 3; n++) session.flash(MEGABYTE);
      },
    ],
  ];

  test.each(changes)("by %s fails the commit, and stays as it was", async (_title, change) => {
    await visitor.visit((session) => session.set("n", 1));
    const { id } = await visitor.open();
    const before = await store.read(id);
    await expect(visitor.visit(change)).rejects.toMatchObject(tooLarge);
    expect(await store.read(id)).toEqual(before);
    expect(await visitor.visit((session) => [session.entries(), session.flashes()])).toEqual([[["n", 1]], []]);
  });

  test.each(changes)(
    "by %s, while it still is in a sealed cookie, fails the commit, and stays there",
    async (_title, change) => {
      const before = new AsyncBrowser(createSessions<Data>({ secret: SECRET, now: clock.now }));
      await before.visit((session) => session.set("n", 1));
      const upgradeFrom = [{ codec: sealed, until: new Date(NOON + DAY) }];
      const moving = before.copy(createSessions<Data>({ secret: SECRET, now: clock.now, store, upgradeFrom }));
      await expect(moving.visit(change)).rejects.toMatchObject(tooLarge);
      expect(moving.cookies).toEqual(before.cookies);
      expect(await moving.visit((session) => [session.entries(), session.flashes()])).toEqual([[["n", 1]], []]);
    },
  );

  test("does not begin", async () => {
    await expect(visitor.visit(fill)).rejects.toMatchObject(tooLarge);
    expect(visitor.cookies.size).toBe(0);
  });

  test("is told by its largest keys, and nothing of what they hold", async () => {
    const failure: unknown = await visitor.visit(fill).catch((error: unknown) => error);
    expect(String(failure)).toMatch(/largest keys are cart \(1000004\), history \(1000002\), small \(13\)/);
    expect(String(failure)).toMatch(/2000\d\d\d bytes .* 2000000/);
    expect(String(failure)).not.toMatch(/xxx|secret text/);
  });

  test("may be signed out, and begin anew with less", async () => {
    await visitor.visit((session) => session.login("u"));
    await visitor.visit((session) => {
      fill(session);
      session.logout();
      session.set("n", 1);
    });
    expect(await visitor.visit((session) => [session.userId, session.entries()])).toEqual([null, [["n", 1]]]);
  });
});
