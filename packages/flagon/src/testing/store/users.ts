import type { StoredSession } from "../../store.ts";
import { same } from "../check.ts";
import { fields, isGone, isStored, listed, type StoreCase } from "./fixture.ts";

/** What is found by user, and what is removed by user or by age. */
export const storeUserCases: readonly StoreCase[] = [
  {
    name: "list gives the user's live sessions whole, last seen first, and nobody else's",
    test: async (bench) => {
      const store = await bench.store();
      const [user, other] = [bench.name("user"), bench.name("user")];
      const seen = (ago: number, parts: Partial<StoredSession> = {}): StoredSession =>
        bench.session({ userId: user, device: `device ${ago}`, lastSeenAt: bench.time - ago, ...parts });
      const [b, c, a] = [seen(20), seen(300), seen(1)];
      const hidden = [
        seen(5, { expiresAt: bench.time + 1 }),
        seen(6, { data: null }),
        seen(7, { userId: other }),
        seen(8, { userId: null }),
      ];
      for (const session of [b, c, a, ...hidden]) await store.create(session);
      bench.time += 1;
      const found = await store.list(user);
      same(found.map(fields), [a, b, c].map(fields), "the list");
      same(await listed(store, other), [hidden[2]?.id], "the other user's list");
      await store.touch(c.id, { expiresAt: c.expiresAt, lastSeenAt: bench.time });
      same(await listed(store, user), [c.id, a.id, b.id], "the list after a touch");
    },
  },
  {
    name: "users whose ids are alike are different users",
    test: async (bench) => {
      const store = await bench.store();
      const stem = bench.name("User");
      const alike = [
        stem,
        stem.toLowerCase(),
        `${stem} `,
        `${stem}%`,
        `${stem}_`,
        `${stem}*`,
        stem.slice(0, -1),
        `${stem}\u0000`,
      ];
      const sessions = alike.map((userId) => bench.session({ userId }));
      for (const session of sessions) await store.create(session);
      for (const session of sessions)
        same(await listed(store, session.userId ?? ""), [session.id], `list of ${session.userId}`);
      for (const session of sessions) await isStored(store, session, `session of ${session.userId}`);
    },
  },
  {
    name: "deleteExpired removes what had expired at its moment, tombstones too, and nothing live",
    test: async (bench) => {
      const store = await bench.store();
      await store.deleteExpired(Number.MAX_SAFE_INTEGER);
      const ends = [1, 2, 3, 3].map((ms) => bench.session({ expiresAt: bench.time + ms, userId: bench.name("user") }));
      const tombstone = bench.session({ expiresAt: bench.time + 2, data: null });
      const live = [bench.session({ expiresAt: bench.time + 4 }), bench.session()];
      for (const session of [...ends, tombstone, ...live]) await store.create(session);
      bench.time += 3;
      const byItself = bench.options.expiresByItself === true;
      same(await store.deleteExpired(bench.time), byItself ? 0 : 5, "how many");
      same(await store.deleteExpired(bench.time), 0, "how many the second time");
      for (const session of ends) await isGone(store, session, "an expired session");
      for (const session of live) await isStored(store, session, "a live session");
    },
  },
  {
    name: "deleteExpired goes by the latest expiry, whether touch or replace wrote it",
    test: async (bench) => {
      const store = await bench.store();
      await store.deleteExpired(Number.MAX_SAFE_INTEGER);
      const [touched, replaced, cut] = [1, 1, 100].map((ms) => bench.session({ expiresAt: bench.time + ms }));
      if (!touched || !replaced || !cut) return;
      for (const session of [touched, replaced, cut]) await store.create(session);
      const clocks = { expiresAt: bench.time + 50, lastSeenAt: bench.time };
      await store.touch(touched.id, clocks);
      same(await store.replace({ ...replaced, ...clocks, version: 2 }, 1), true, "the replace that prolongs");
      same(
        await store.replace({ ...cut, version: 2, expiresAt: bench.time + 1 }, 1),
        true,
        "the replace that shortens",
      );
      bench.time += 1;
      same(await store.deleteExpired(bench.time), bench.options.expiresByItself === true ? 0 : 1, "how many");
      await isStored(store, { ...touched, ...clocks }, "the touched session");
      await isStored(store, { ...replaced, ...clocks, version: 2 }, "the replaced session");
      await isGone(store, cut, "the shortened session");
    },
  },
  {
    name: "deleteExpired goes through more than one batch",
    test: async (bench) => {
      const store = await bench.store();
      await store.deleteExpired(Number.MAX_SAFE_INTEGER);
      const ends = Array.from({ length: 1_234 }, () => bench.session({ expiresAt: bench.time + 1 }));
      for (let start = 0; start < ends.length; start += 100) {
        await Promise.all(ends.slice(start, start + 100).map((session) => store.create(session)));
      }
      const live = bench.session();
      await store.create(live);
      bench.time += 1;
      same(await store.deleteExpired(bench.time), bench.options.expiresByItself === true ? 0 : ends.length, "how many");
      await isStored(store, live, "the live session");
    },
  },
];
