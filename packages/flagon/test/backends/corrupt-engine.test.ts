import { Buffer } from "node:buffer";
import { createSessions, type Session, type Sessions, type Store, type StoredSession } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { Clock, type Data, SECRET } from "../browser.ts";
import { Visitor } from "./visitor.ts";

/*
 * An engine that is corrupt, or in somebody else's hands, cannot read or make a session. It can write what says how one ended:
 * an ended session's row names the one that followed, in a circle or on and on, and a revocation is no revocation.
 */

/** Many times what any request may ask: a loop without end would never let the test fail otherwise. */
const COMMANDS_MAX = 20_000;

/** A store in somebody else's hands. */
class Hostile implements Store {
  readonly #inner: Store;
  commands = 0;
  /** What is found in place of a row. */
  forge: (id: string, row: StoredSession | null) => StoredSession | null = (_id, row) => row;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  read: Store["read"] = async (id) => this.forge(id, await this.#count().read(id));
  create: Store["create"] = (session) => this.#count().create(session);
  // It agrees to everything, so that nobody ever gives up because somebody else was faster.
  replace: Store["replace"] = async (session, version) => (await this.#count().replace(session, version)) || true;
  touch: Store["touch"] = (id, clocks) => this.#count().touch(id, clocks);
  delete: Store["delete"] = (id) => this.#count().delete(id);
  list: Store["list"] = (userId) => this.#count().list(userId);
  deleteExpired: Store["deleteExpired"] = (now) => this.#count().deleteExpired(now);

  #count(): Store {
    if (++this.commands > COMMANDS_MAX) throw new Error("a loop without end");
    return this.#inner;
  }
}

const login = (session: Session<Data>): void => session.login("u");
const logout = (session: Session<Data>): void => session.logout();
const userOf = (session: Session<Data>): string | null => session.userId;

let clock: Clock;
let store: Hostile;
let sessions: Sessions<Data>;
let visitor: Visitor;
/** A copy of the cookie that the session had before it was rotated. */
let late: Visitor;
/** The ids that the session has had. */
let ids: [string, string];

beforeEach(() => {
  clock = new Clock();
  store = new Hostile(memoryStore({ now: clock.now }));
});

async function beginIn(home: Sessions<Data>): Promise<void> {
  sessions = home;
  visitor = new Visitor(sessions);
  await visitor.visit(login);
  late = visitor.copy();
  const { id } = await visitor.open();
  await visitor.visit((session) => session.rotate());
  ids = [id, (await visitor.open()).id];
}

/** An id that the store makes up. */
let made = 0;
const madeUp = (): string => `made-up-${String(made++).padStart(14, "0")}`;

/** How the ended sessions' rows go on. */
const successions: [title: string, next: (id: string) => string][] = [
  ["name each other in a circle", (id) => (id === ids[0] ? ids[1] : ids[0])],
  ["go on without an end", madeUp],
];

/** Whether what the store has for this id is forged. */
const isForged = (id: string): boolean => ids.includes(id) || id.startsWith("made-up-");

function rowOf(id: string, parts: Pick<StoredSession, "device" | "data">): StoredSession {
  const clocks = { createdAt: clock.time, lastSeenAt: clock.time, expiresAt: clock.time + 30_000 };
  return { id, version: 1, userId: null, ...clocks, ...parts };
}

describe.each(successions)("tombstones that %s", (_title, next) => {
  let phone: Visitor;

  beforeEach(async () => {
    await beginIn(createSessions<Data>({ secret: SECRET, now: clock.now, store }));
    phone = new Visitor(sessions);
    await phone.visit(login);
    store.forge = (id, row) => (isForged(id) ? rowOf(id, { device: `replaced heir ${next(id)}`, data: null }) : row);
  });

  test.each([
    ["a sign-out", logout],
    ["a sign-in", login],
  ])("fail %s that has to follow them, with store_corrupt", async (_what, act) => {
    const before = new Map(late.cookies);
    await expect(late.visit(act)).rejects.toMatchObject({ code: "store_corrupt", status: 503 });
    expect(late.cookies).toEqual(before);
  });

  test("fail revoke, so that nobody takes the session for ended", async () => {
    await expect(sessions.revoke(ids[0])).rejects.toMatchObject({ code: "store_corrupt" });
  });

  test("keep none of the user's other sessions alive at revokeUser, which fails", async () => {
    const phones = [phone];
    for (let n = 0; n < 50; n++) phones.push(new Visitor(sessions));
    for (const each of phones) await each.visit(login);
    await expect(sessions.revokeUser("u")).rejects.toMatchObject({ code: "store_corrupt" });
    for (const each of [...phones, late, visitor]) expect(await each.visit(userOf)).toBeNull();
  });

  test("spare nobody when revokeUser excepts the session", async () => {
    await sessions.revokeUser("u", { except: ids[0] }).catch(() => {});
    expect([await phone.visit(userOf), await late.visit(userOf), await visitor.visit(userOf)]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe.each(successions)("revocations that %s", (_title, next) => {
  let phone: Visitor;

  beforeEach(async () => {
    const revocations = { store, staleness: 0 };
    await beginIn(createSessions<Data>({ secret: SECRET, now: clock.now, revocations }));
    phone = new Visitor(sessions);
    await phone.visit(login);
    store.forge = (key, row) => {
      const id = key.slice("ended:".length);
      if (!isForged(id)) return row;
      const entry = { how: "ended", heirs: false, family: ids[0], next: next(id), nextUser: "u", isHeir: true };
      return rowOf(key, { device: null, data: Buffer.from(JSON.stringify(entry)) });
    };
  });

  test("fail a sign-in that has to follow them, with store_corrupt", async () => {
    const before = new Map(late.cookies);
    await expect(late.visit(login)).rejects.toMatchObject({ code: "store_corrupt", status: 503 });
    expect(late.cookies).toEqual(before);
  });

  test("spare nobody when revokeUser excepts the session", async () => {
    await sessions.revokeUser("u", { except: ids[0] });
    expect([await phone.visit(userOf), await late.visit(userOf), await visitor.visit(userOf)]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe("a revocation that is none", () => {
  beforeEach(() =>
    beginIn(createSessions<Data>({ secret: SECRET, now: clock.now, revocations: { store, staleness: 0 } })),
  );

  const garbage = ["", "{", "null", "7", '"text"', "[]", "{}"];
  const ofIds = [...garbage, '{"how":7,"heirs":false,"family":"f"}'];
  const ofUsers = [
    ...garbage,
    '{"before":"now","except":[]}',
    '{"before":1e15}',
    '{"before":1e15,"except":{}}',
    '{"before":1e15,"except":[null]}',
    '{"before":1e15,"except":[["id"]]}',
  ];

  test.each([...ofIds.map((text) => ["ended:", text]), ...ofUsers.map((text) => ["user:", text])])(
    "%s %s: the first look throws store_corrupt",
    async (prefix = "", text = "") => {
      store.forge = (key, row) =>
        key.startsWith(prefix) ? rowOf(key, { device: null, data: Buffer.from(text) }) : row;
      const session = await visitor.open();
      expect(() => session.userId).toThrow(expect.objectContaining({ code: "store_corrupt", status: 503 }));
      store.forge = (_key, row) => row;
      expect(await visitor.visit(userOf)).toBe("u");
    },
  );
});
