import { same } from "../check.ts";
import { bytesOf, fields, isReadAsEach, type StoreCase } from "./fixture.ts";
import { oddTexts } from "./values.ts";

/** What `readMany` gives, in a store that has it. One that has not passes: `read` is called for each then. */
export const storeManyCases: readonly StoreCase[] = [
  {
    name: "readMany gives what read gives of each, in the order of the ids, and null for unknown and expired ones",
    test: async (bench) => {
      const store = await bench.store();
      same(await store.readMany?.([]), store.readMany && [], "of no ids");
      const [b, a, c] = [bench.session(), bench.session({ userId: bench.name("user"), device: "d" }), bench.session()];
      const soon = bench.session({ expiresAt: bench.time + 1 });
      const tombstone = bench.session({ data: null, device: "ended" });
      const empty = bench.session({ data: new Uint8Array(0) });
      for (const session of [a, b, c, soon, tombstone, empty]) await store.create(session);
      const unknown = bench.name();
      const ids = [c.id, unknown, a.id, soon.id, tombstone.id, b.id, empty.id];
      const found = (await store.readMany?.(ids))?.map((session) => session && fields(session));
      const wanted = [c, null, a, soon, tombstone, b, empty].map((session) => session && fields(session));
      same(found, store.readMany && wanted, "of seven ids");
      bench.time += 1;
      await isReadAsEach(store, ids, "when one has expired");
      await isReadAsEach(store, [unknown], "of an unknown id");
      await store.delete(c.id);
      await isReadAsEach(store, ids, "when one was deleted");
    },
  },
  {
    name: "readMany gives a session each time that its id is asked for, with bytes of the caller's own",
    test: async (bench) => {
      const store = await bench.store();
      const [session, other] = [bench.session(), bench.session()];
      await store.create(session);
      await store.create(other);
      const ids = [session.id, other.id, session.id, session.id];
      await isReadAsEach(store, ids, "of one id three times");
      for (const found of (await store.readMany?.(ids)) ?? []) found?.data?.fill(1);
      same((await store.read(session.id))?.data, session.data, "what is stored after what was got was overwritten");
    },
  },
  {
    name: "readMany takes any ids, odd ones beside each other",
    test: async (bench) => {
      const store = await bench.store();
      const ids = oddTexts().map(({ text }) => text);
      for (const [n, id] of ids.entries()) {
        await store.delete(id);
        if (n % 3 > 0) await store.create(bench.session({ id, data: bytesOf(`session ${n}`) }));
      }
      await isReadAsEach(store, [...ids, ...ids.toReversed(), "constructor", "toString"], "of odd ids");
      for (const id of ids) await store.delete(id);
    },
  },
  {
    name: "count, where there is one, counts what lives, and neither tombstones nor what has expired",
    test: async (bench) => {
      const store = await bench.store();
      if (store.count === undefined) return;
      await store.deleteExpired(Number.MAX_SAFE_INTEGER);
      const before = await store.count();
      const [one, other] = [bench.session({ userId: bench.name("user") }), bench.session()];
      const soon = bench.session({ expiresAt: bench.time + 1 });
      for (const each of [one, other, soon, bench.session({ data: null, device: "ended" })]) await store.create(each);
      same((await store.count()) - before, 3, "how many more");
      bench.time += 1;
      await store.replace({ ...one, version: 2, data: null }, 1);
      same((await store.count()) - before, 1, "how many more when one has expired and one has ended");
      await store.delete(other.id);
      same((await store.count()) - before, 0, "how many more when the last was deleted");
    },
  },
  {
    name: "readMany of a thousand ids leaves none out",
    test: async (bench) => {
      const store = await bench.store();
      const sessions = Array.from({ length: 1_000 }, () => bench.session());
      const there = sessions.filter((_, n) => n % 5 > 0);
      for (let start = 0; start < there.length; start += 100) {
        await Promise.all(there.slice(start, start + 100).map((session) => store.create(session)));
      }
      const found = await store.readMany?.(sessions.map(({ id }) => id));
      const wanted = sessions.map((session, n) => (n % 5 > 0 ? fields(session) : null));
      same(
        found?.map((session) => session && fields(session)),
        found && wanted,
        "a thousand",
      );
    },
  },
];
