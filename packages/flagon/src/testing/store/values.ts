import { same } from "../check.ts";
import { bytesOf, fields, isGone, isStored, listed, type StoreCase } from "./fixture.ts";

/** What an id, a user id, data and integers may be. */
export const storeValueCases: readonly StoreCase[] = [
  {
    name: "empty data is data, not a tombstone",
    test: async (bench) => {
      const store = await bench.store();
      const user = bench.name("user");
      const session = bench.session({ userId: user, data: new Uint8Array(0) });
      await store.create(session);
      await isStored(store, session, "after create");
      same(await listed(store, user), [session.id], "list");
    },
  },
  ...oddTexts().map(
    ({ what, text }): StoreCase => ({
      name: `an id, a user id and a device may be ${what}`,
      test: async (bench) => {
        const store = await bench.store();
        const session = bench.session({ id: text, userId: text, device: text });
        const plain = bench.session({ userId: bench.name("user") });
        await store.delete(text);
        await store.create(plain);
        await store.create(session);
        await isStored(store, session, "after create");
        same((await store.list(text)).map(fields), [fields(session)], "list");
        const changed = { ...session, version: 2, data: bytesOf("changed") };
        same(await store.replace(changed, 1), true, "replace");
        await store.touch(text, { expiresAt: session.expiresAt + 1, lastSeenAt: bench.time });
        await isStored(
          store,
          { ...changed, expiresAt: session.expiresAt + 1, lastSeenAt: bench.time },
          "after replace and touch",
        );
        await store.delete(session.id);
        await isGone(store, session, "after delete");
        await store.create(session);
        await store.delete(text);
        await isGone(store, session, "after delete");
        await isStored(store, plain, "an ordinary session");
      },
    }),
  ),
  {
    name: "a megabyte of data comes back as it was, and so does a part of a larger buffer",
    test: async (bench) => {
      const store = await bench.store();
      const large = new Uint8Array(1 << 20).map((_, index) => (index * 2_654_435_761) >>> 13);
      const whole = bench.session({ data: large });
      const part = bench.session({ data: large.subarray(1_001, 1_777) });
      await store.create(whole);
      await store.create(part);
      await isStored(store, whole, "a megabyte");
      await isStored(store, part, "a part");
      const changed = { ...whole, version: 2, data: large.toReversed() };
      same(await store.replace(changed, 1), true, "replace");
      await isStored(store, changed, "after replace");
    },
  },
  {
    name: "bytes are the store's own: changing what was given or got changes nothing there",
    test: async (bench) => {
      const store = await bench.store();
      const session = bench.session();
      const given = { ...session, data: session.data?.slice() ?? null };
      await store.create(given);
      given.data?.fill(1);
      (await store.read(session.id))?.data?.fill(2);
      await isStored(store, session, "after both were overwritten");
    },
  },
  {
    name: "integers up to 2^53 - 1 come back exactly",
    test: async (bench) => {
      const store = await bench.store();
      const most = Number.MAX_SAFE_INTEGER;
      const session = bench.session({ version: most - 1, createdAt: 0, lastSeenAt: most - 2, expiresAt: most });
      await store.create(session);
      await isStored(store, session, "after create");
      same(await store.replace({ ...session, version: most }, most - 1), true, "replace");
    },
  },
];

export function oddTexts(): { what: string; text: string }[] {
  const tenKilobytes = Array.from({ length: 10_240 }, (_, index) => String.fromCharCode(33 + ((index * 7) % 90))).join(
    "",
  );
  return [
    { what: "empty", text: "" },
    { what: "a space", text: " " },
    { what: "unicode", text: "Žluťoučký 🐎 ‏עברית‏ e\u0301" },
    { what: "../x", text: "../../etc/x" },
    { what: "CR LF", text: "a\r\nb\r\n" },
    { what: "NUL", text: "a\u0000b" },
    { what: "10 KB long", text: tenKilobytes },
    { what: "10 KB long, with another end", text: `${tenKilobytes.slice(0, -1)}!` },
    { what: "__proto__", text: "__proto__" },
    { what: "a lone surrogate", text: "a\ud800b" },
    { what: "another lone surrogate", text: "a\udc00b" },
    { what: "quotes and backslashes", text: `'"\\u0000\\'; DROP TABLE x; --` },
    { what: "braces and colons", text: "{a}:b{}*?[c]" },
    { what: "the word null", text: "null" },
  ];
}
