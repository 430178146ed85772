import { Buffer } from "node:buffer";
import { createSessions, type Session, type Store, type StoredSession } from "flagon";
import { memoryStore } from "flagon/memory";
import { beforeEach, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, SECRET } from "../browser.ts";

/*
 * An engine that is corrupt, or in somebody else's hands, cannot read or make a session. It can write what says how one
 * ended, and a revocation is then no revocation.
 */
let clock: Clock;
let store: Store;
let visitor: AsyncBrowser;
/** What is found in place of a row. */
let forge: (id: string, row: StoredSession | null) => StoredSession | null;

beforeEach(async () => {
  clock = new Clock();
  forge = (_id, row) => row;
  const inner = memoryStore({ now: clock.now });
  store = { ...inner, read: async (id) => forge(id, await inner.read(id)) };
  visitor = new AsyncBrowser(
    createSessions<Data>({ secret: SECRET, now: clock.now, revocations: { store, staleness: 0 } }),
  );
  await visitor.visit((session) => session.login("u"));
});

function rowOf(id: string, parts: Pick<StoredSession, "device" | "data">): StoredSession {
  const clocks = { createdAt: clock.time, lastSeenAt: clock.time, expiresAt: clock.time + 30_000 };
  return { id, version: 1, userId: null, ...clocks, ...parts };
}

describe("a revocation that is none", () => {
  const userOf = (session: Session<Data>): string | null => session.userId;
  const garbage = ["", "{", "null", "7", '"text"', "[]", "{}"];
  const ofIds = [
    ...garbage,
    '{"generation":"0","since":0,"signInId":7,"userId":"u","end":"ended","changedAt":1}',
    '{"generation":0,"since":0,"signInId":7,"userId":"u","end":"gone","changedAt":1}',
    '{"generation":0,"since":0,"signInId":7,"userId":"u","end":"ended"}',
  ];
  const ofUsers = [
    ...garbage,
    '{"before":"now","except":[]}',
    '{"before":1e15}',
    '{"before":1e15,"except":{}}',
    '{"before":1e15,"except":[null]}',
    '{"before":1e15,"except":[["id"]]}',
    '{"before":1e15,"except":[],"revoked":"all"}',
  ];

  test.each([...ofIds.map((text) => ["entry:", text]), ...ofUsers.map((text) => ["user:", text])])(
    "%s %s: the first look throws store_corrupt",
    async (prefix = "", text = "") => {
      forge = (key, row) => (key.startsWith(prefix) ? rowOf(key, { device: null, data: Buffer.from(text) }) : row);
      const session = await visitor.open();
      expect(() => session.userId).toThrow(expect.objectContaining({ code: "store_corrupt", status: 503 }));
      forge = (_key, row) => row;
      expect(await visitor.visit(userOf)).toBe("u");
    },
  );
});
