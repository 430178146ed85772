import type { Store, StoredSession } from "../../store.ts";
import { holds, same } from "../check.ts";
import { bytesOf, isGone, isStored, listed, type StoreCase, type StoreFixture } from "./fixture.ts";

/**
 * What many callers see at once. Each race runs several rounds, through both connections where there are two: a store
 * that reads, compares and then writes loses one of them.
 */
export const storeRaceCases: readonly StoreCase[] = [
  {
    name: "of 100 parallel replaces of one version exactly one resolves true, and it is the one that is stored",
    test: async (bench) => {
      await rounds(bench, async (_store, session, turns) => {
        const offers = Array.from({ length: 100 }, (_, n) => ({ ...session, version: 2, data: bytesOf(`offer ${n}`) }));
        const results = await Promise.all(offers.map((offer, n) => turns(n).replace(offer, 1)));
        const winners = offers.filter((_, n) => results[n]);
        same(winners.length, 1, "replaces that resolved true");
        for (const winner of winners) await isStored(turns(0), winner, "after the race");
      });
    },
  },
  {
    name: "of 20 parallel creates of one id exactly one resolves, and it is the one that is stored",
    test: async (bench) => {
      const [store, peer] = await bench.pair();
      for (let round = 0; round < ROUNDS; round++) {
        const id = bench.name();
        const users = Array.from({ length: 20 }, (_, n) => `${id} ${n}`);
        const offers = users.map((userId) => bench.session({ id, data: bytesOf(userId), userId }));
        const results = await Promise.allSettled(offers.map((offer, n) => (n % 2 ? peer : store).create(offer)));
        const winners = offers.filter((_, n) => results[n]?.status === "fulfilled");
        same(winners.length, 1, "creates that resolved");
        for (const [n, user] of users.entries()) {
          same(await listed(peer, user), results[n]?.status === "fulfilled" ? [id] : [], "the list of a creator");
        }
        for (const winner of winners) await isStored(peer, winner, "after the race");
      }
    },
  },
  {
    name: "50 parallel read-and-replace loops lose no count",
    test: async (bench) => {
      const [store, peer] = await bench.pair();
      const session = bench.session({ data: new Uint8Array([0]) });
      await store.create(session);
      await Promise.all(Array.from({ length: 50 }, (_, n) => addOne(n % 2 ? peer : store, session.id)));
      const stored = await peer.read(session.id);
      same([stored?.version, stored?.data], [51, new Uint8Array([50])], "version and count");
    },
  },
  {
    name: "a session that is deleted among replaces and touches stays gone",
    test: async (bench) => {
      await rounds(bench, async (store, session, turns) => {
        const writes = crowd(session, turns);
        await turns(1).delete(session.id);
        await writes;
        await isGone(store, session, "after the race");
      });
    },
  },
  {
    name: "a session that becomes a tombstone among replaces and touches stays one",
    test: async (bench) => {
      await rounds(bench, async (store, session, turns) => {
        const tombstone = { ...session, data: null, expiresAt: bench.time + 30_000 };
        const writes = crowd(session, turns);
        let ended: StoredSession | undefined;
        while (ended === undefined) {
          const found = await turns(1).read(session.id);
          holds(found !== null, "the session is gone before it was ended");
          const next = { ...tombstone, version: found.version + 1 };
          if (await turns(1).replace(next, found.version)) ended = next;
        }
        await writes;
        await isStored(store, ended, "after the race");
        same(await store.list(session.userId ?? ""), [], "list after the race");
      });
    },
  },
  {
    name: "a touch among replaces takes nothing from them: no version, no data, no clock",
    test: async (bench) => {
      await rounds(bench, async (store, session, turns) => {
        const clocks = { expiresAt: session.expiresAt + 77, lastSeenAt: session.lastSeenAt + 55 };
        const changed = { ...session, ...clocks, version: 2, data: bytesOf("changed") };
        const touches = Array.from({ length: 10 }, (_, n) => turns(n).touch(session.id, clocks));
        same(await turns(1).replace(changed, 1), true, "the replace");
        await Promise.all([...touches, ...Array.from({ length: 10 }, (_, n) => turns(n).touch(session.id, clocks))]);
        await isStored(store, changed, "after the race");
      });
    },
  },
  {
    name: "of parallel touches the latest clocks stay",
    test: async (bench) => {
      await rounds(bench, async (store, session, turns) => {
        const { expiresAt, lastSeenAt } = session;
        const order = Array.from({ length: 20 }, (_, n) => (n * 7) % 20);
        await Promise.all(
          order.map((n) => turns(n).touch(session.id, { expiresAt: expiresAt + n, lastSeenAt: lastSeenAt + n })),
        );
        await isStored(store, { ...session, expiresAt: expiresAt + 19, lastSeenAt: lastSeenAt + 19 }, "after the race");
      });
    },
  },
  {
    name: "sessions that begin, and visitors who sign in, while their user is listed are found afterwards",
    test: async (bench) => {
      await rounds(bench, async (store, session, turns) => {
        const userId = session.userId ?? "";
        const fresh = Array.from({ length: 20 }, () => bench.session({ userId }));
        const visitors = Array.from({ length: 10 }, () => bench.session());
        for (const visitor of visitors) await store.create(visitor);
        const created = fresh.map((each, n) => turns(n).create(each));
        const signedIn = visitors.map((each, n) => turns(n).replace({ ...each, userId, version: 2 }, 1));
        const others = Array.from({ length: 10 }, (_, n) => turns(n).list(userId));
        const [replaced] = await Promise.all([Promise.all(signedIn), ...created, ...others]);
        same(
          replaced,
          visitors.map(() => true),
          "the replaces that sign in",
        );
        const all = [session, ...fresh, ...visitors].map(({ id }) => id);
        same((await listed(store, userId)).toSorted(), all.toSorted(), "the list");
      });
    },
  },
  {
    name: "pruning takes no session whose renewal was said to be written",
    test: async (bench) => {
      const [store, peer] = await bench.pair();
      const soon = bench.time + 1_000;
      const sessions = Array.from({ length: 50 }, () => bench.session({ expiresAt: soon }));
      await Promise.all(sessions.map((session) => store.create(session)));
      const renewed = sessions.map((session) => ({ ...session, version: 2, expiresAt: soon + 1_000 }));
      const results = await Promise.all(
        renewed.flatMap((session, n) => [store.replace(session, 1), ...(n % 10 ? [] : [peer.deleteExpired(soon)])]),
      );
      const replaced = results.filter((result) => typeof result === "boolean");
      for (const [n, session] of renewed.entries()) {
        if (replaced[n]) await isStored(store, session, "a renewed session");
        else await isGone(store, session, "a session that was not renewed");
      }
    },
  },
];

const ROUNDS = 5;

/** Each round has a session of a user of its own, and `turns(n)`: one connection for even numbers, the other for odd. */
async function rounds(
  bench: StoreFixture,
  race: (store: Store, session: StoredSession, turns: (n: number) => Store) => Promise<void>,
): Promise<void> {
  const [store, peer] = await bench.pair();
  for (let round = 0; round < ROUNDS; round++) {
    const session = bench.session({ userId: bench.name("user") });
    await store.create(session);
    await race(store, session, (n) => (n % 2 ? peer : store));
  }
}

/** Writes of every kind that are under way when something else happens. */
function crowd(session: StoredSession, turns: (n: number) => Store): Promise<unknown> {
  const clocks = { expiresAt: session.expiresAt + 60_000, lastSeenAt: session.lastSeenAt + 60 };
  const writes = Array.from({ length: 20 }, (_, n) =>
    n % 3 === 0
      ? turns(n).touch(session.id, clocks)
      : turns(n).replace({ ...session, version: n + 1, data: bytesOf(`write ${n}`) }, n),
  );
  const all = Promise.all(writes);
  // When the case fails before it waits for them, what they say is not the news.
  all.catch(() => {});
  return all;
}

async function addOne(store: Store, id: string): Promise<void> {
  for (;;) {
    const session = await store.read(id);
    holds(session !== null, "the session is gone");
    const data = new Uint8Array([(session.data?.[0] ?? 0) + 1]);
    if (await store.replace({ ...session, version: session.version + 1, data }, session.version)) return;
  }
}
