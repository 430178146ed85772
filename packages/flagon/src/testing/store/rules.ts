import { rejection, same } from "../check.ts";
import { bytesOf, codeOf, isGone, isStored, listed, type StoreCase } from "./fixture.ts";

/** What one caller sees of one session, one call after another. */
export const storeRuleCases: readonly StoreCase[] = [
  {
    name: "a session that was created is read back as it was, field by field",
    test: async (bench) => {
      const store = await bench.store();
      const signedIn = bench.session({ userId: "42", device: "Firefox on Linux", version: 7 });
      const anonymous = bench.session();
      await store.create(signedIn);
      await store.create(anonymous);
      await isStored(store, signedIn, "with a user and a device");
      await isStored(store, anonymous, "with neither");
    },
  },
  {
    name: "an unknown id is null, and no error",
    test: async (bench) => {
      const store = await bench.store();
      const id = bench.name();
      same(await store.read(id), null, "read");
      same(await store.replace(bench.session({ id, version: 2 }), 1), false, "replace");
      same(await store.read(id), null, "read after replace");
      await store.touch(id, { expiresAt: bench.time + 1000, lastSeenAt: bench.time });
      same(await store.read(id), null, "read after touch");
      await store.delete(id);
      same(await store.list(bench.name("user")), [], "list");
    },
  },
  {
    name: "create rejects with session_conflict where a live session or a tombstone has the id, and changes nothing",
    test: async (bench) => {
      const store = await bench.store();
      for (const data of [bytesOf("first"), null]) {
        const first = bench.session({ data, userId: "first" });
        await store.create(first);
        const second = bench.session({ id: first.id, data: bytesOf("second"), userId: "second", version: 9 });
        const error = await rejection(store.create(second), "create over a live session");
        same(codeOf(error), "session_conflict", "the error's code");
        await isStored(store, first, "after the refused create");
        same(await store.list("second"), [], "the refused session's user");
      }
    },
  },
  {
    name: "create may take the place of a session that has expired, and leaves nothing of it",
    test: async (bench) => {
      const store = await bench.store();
      const user = bench.name("user");
      const old = bench.session({ userId: user, device: "old", expiresAt: bench.time + 10 });
      await store.create(old);
      bench.time += 10;
      const fresh = bench.session({ id: old.id, data: bytesOf("fresh") });
      await store.create(fresh);
      await isStored(store, fresh, "the new session");
      same(await store.list(user), [], "the old session's user");
      await isStored(store, fresh, "the new session after that");
    },
  },
  {
    name: "replace writes every field when the version is the one it names, and says so",
    test: async (bench) => {
      const store = await bench.store();
      const session = bench.session();
      await store.create(session);
      const [first, second] = [bench.name("user"), bench.name("user")];
      const later = { expiresAt: bench.time + 9_000_001, lastSeenAt: bench.time + 1, createdAt: bench.time - 3 };
      const changed = { ...session, ...later, version: 2, userId: first, device: "d", data: bytesOf("changed") };
      same(await store.replace(changed, 1), true, "replace of version 1");
      await isStored(store, changed, "after the first replace");
      const again = { ...changed, version: 3, userId: second, device: null, expiresAt: bench.time + 5 };
      same(await store.replace(again, 2), true, "replace of version 2");
      await isStored(store, again, "after the second replace");
      same(await listed(store, first), [], "list of the user before");
      same(await listed(store, second), [again.id], "list of the user after");
    },
  },
  {
    name: "replace of another version resolves false and writes nothing",
    test: async (bench) => {
      const store = await bench.store();
      const session = bench.session({ version: 5 });
      await store.create(session);
      for (const version of [4, 6, 0, 50]) {
        same(
          await store.replace(bench.session({ id: session.id, version: version + 1 }), version),
          false,
          `version ${version}`,
        );
      }
      await isStored(store, session, "after the refused replaces");
    },
  },
  {
    name: "touch moves both clocks, never backwards, and neither version nor data",
    test: async (bench) => {
      const store = await bench.store();
      const session = bench.session({ userId: bench.name("user"), device: "d", version: 3 });
      await store.create(session);
      const forward = { expiresAt: session.expiresAt + 1_000_003, lastSeenAt: session.lastSeenAt + 507 };
      await store.touch(session.id, forward);
      await isStored(store, { ...session, ...forward }, "after a touch");
      await store.touch(session.id, { expiresAt: bench.time + 1, lastSeenAt: 1 });
      await isStored(store, { ...session, ...forward }, "after a touch backwards");
      await store.touch(session.id, { expiresAt: bench.time + 1, lastSeenAt: forward.lastSeenAt + 1 });
      await isStored(store, { ...session, ...forward, lastSeenAt: forward.lastSeenAt + 1 }, "after one clock's touch");
      same(await store.replace({ ...session, version: 4 }, 3), true, "replace of the version from before the touch");
    },
  },
  {
    name: "delete removes one session, at once and for good",
    test: async (bench) => {
      const store = await bench.store();
      const user = bench.name("user");
      const [gone, kept] = [bench.session({ userId: user }), bench.session({ userId: user })];
      await store.create(gone);
      await store.create(kept);
      await store.delete(gone.id);
      await isGone(store, gone, "after delete");
      same(await listed(store, user), [kept.id], "list after delete");
      await store.delete(gone.id);
      await isStored(store, kept, "the other session");
    },
  },
  {
    name: "a session is live in the last millisecond before expiresAt and gone at expiresAt, for every method",
    test: async (bench) => {
      const store = await bench.store();
      const user = bench.name("user");
      const session = bench.session({ userId: user, expiresAt: bench.time + 1000 });
      await store.create(session);
      bench.time = session.expiresAt - 1;
      await isStored(store, session, "one millisecond before");
      same(await listed(store, user), [session.id], "list one millisecond before");
      bench.time = session.expiresAt;
      await isGone(store, session, "at expiresAt");
      same(await store.list(user), [], "list at expiresAt");
    },
  },
  {
    name: "a touch gives the time that it says, to the millisecond",
    test: async (bench) => {
      const store = await bench.store();
      const user = bench.name("user");
      // Far past what it was: an index or a time to live that was made for the first date must not end it.
      const month = 30 * 86_400_000;
      const session = bench.session({ userId: user, expiresAt: bench.time + 1000 });
      await store.create(session);
      bench.time += 500;
      const clocks = { expiresAt: bench.time + month, lastSeenAt: bench.time };
      await store.touch(session.id, clocks);
      bench.time = clocks.expiresAt - 1;
      await isStored(store, { ...session, ...clocks }, "one millisecond before");
      same(await listed(store, user), [session.id], "list one millisecond before");
      bench.time += 1;
      await isGone(store, session, "at the new expiresAt");
    },
  },
  {
    name: "a tombstone is read without data, is in no list, and neither touch nor replace undoes it",
    test: async (bench) => {
      const store = await bench.store();
      const user = bench.name("user");
      const session = bench.session({ userId: user });
      await store.create(session);
      const tombstone = { ...session, version: 2, data: null, expiresAt: bench.time + 30_000 };
      same(await store.replace(tombstone, 1), true, "replace by a tombstone");
      await isStored(store, tombstone, "the tombstone");
      same(await store.list(user), [], "list");
      await store.touch(session.id, { expiresAt: bench.time + 900_000, lastSeenAt: bench.time + 10 });
      await isStored(store, tombstone, "after a touch");
      same(await store.replace({ ...session, version: 3 }, 2), false, "replace by a session with data");
      same(await store.replace({ ...session, version: 2 }, 1), false, "replace of the version before");
      const longer = { ...tombstone, version: 3, expiresAt: bench.time + 60_000 };
      same(await store.replace(longer, 2), true, "replace by another tombstone");
      bench.time += 60_000;
      await isGone(store, longer, "when the tombstone is over");
    },
  },
];
