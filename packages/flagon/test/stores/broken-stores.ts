import { memoryStore } from "flagon/memory";
import type { StoreConditions } from "flagon/testing";
import type { Store, StoredSession } from "../../src/store.ts";

type ReadMany = (store: Store, ids: readonly string[]) => Promise<(StoredSession | null)[]>;

const eachOf: ReadMany = (store, ids) => Promise.all(ids.map((id) => store.read(id)));

const manyBy =
  (readMany: ReadMany) =>
  (conditions: StoreConditions): Store => {
    const store = memoryStore(conditions);
    return { ...store, readMany: (ids) => readMany(store, ids) };
  };

/** What an `IN (…)` without care makes of it. */
const brokenMany: Record<string, (conditions: StoreConditions) => Store> = {
  "readMany leaves unknown ids out": manyBy(async (store, ids) => {
    return (await eachOf(store, ids)).filter((row) => row !== null);
  }),
  "readMany is in the engine's order": manyBy((store, ids) => eachOf(store, ids.toSorted())),
  "readMany gives a repeated id once": manyBy((store, ids) => eachOf(store, [...new Set(ids)])),
  "readMany gives a repeated id null the second time": manyBy(async (store, ids) => {
    return (await eachOf(store, ids)).map((row, n) => (ids.indexOf(ids[n] ?? "") === n ? row : null));
  }),
  "readMany leaves tombstones out": manyBy(async (store, ids) => {
    return (await eachOf(store, ids)).map((row) => (row?.data ? row : null));
  }),
  "readMany leaves the data out": manyBy(async (store, ids) => {
    return (await eachOf(store, ids)).map((row) => row && { ...row, data: null });
  }),
  "count counts tombstones": (conditions) => {
    const ids = new Set<string>();
    const store = memoryStore(conditions);
    return {
      ...store,
      create: (session) => store.create(session).then(() => void ids.add(session.id)),
      count: async () => (await Promise.all([...ids].map((id) => store.read(id)))).filter((row) => row !== null).length,
    };
  },
  "readMany takes 999 ids at most": manyBy((store, ids) => eachOf(store, ids.slice(0, 999))),
  "readMany fails for no ids": manyBy(async (store, ids) => {
    if (ids.length === 0) throw new Error('syntax error at or near ")"');
    return eachOf(store, ids);
  }),
  "readMany joins the ids with commas": manyBy((store, ids) =>
    eachOf(store, ids.length ? ids.join(",").split(",") : []),
  ),
  "readMany keeps what it found as properties of an object": manyBy(async (store, ids) => {
    const found: Record<string, StoredSession> = {};
    for (const row of await eachOf(store, ids)) if (row !== null) found[row.id] = row;
    return ids.map((id) => found[id] ?? null);
  }),
  "readMany shows expired sessions": (conditions) => {
    let forgiving = false;
    const store = memoryStore({ now: () => (forgiving ? 0 : conditions.now()) });
    return {
      ...store,
      async readMany(ids) {
        forgiving = true;
        const rows = ids.map((id) => store.read(id));
        forgiving = false;
        return Promise.all(rows);
      },
    };
  },
};

/**
 * Stores that break one rule each, as somebody's first attempt at a store might. The conformance suite has to fail every
 * one of them.
 */
export const brokenStores: Record<string, (conditions: StoreConditions) => Store> = {
  "replace creates a row that is gone": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async replace(session, version) {
        if ((await store.read(session.id)) !== null) return store.replace(session, version);
        await store.create(session);
        return true;
      },
    };
  },
  "replace ignores the version": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async replace(session) {
        const row = await store.read(session.id);
        return row !== null && store.replace(session, row.version);
      },
    };
  },
  "replace reads, compares and then writes": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async replace(session, version) {
        const row = await store.read(session.id);
        if (row?.version !== version || (row.data === null && session.data !== null)) return false;
        await later();
        const now = await store.read(session.id);
        return now !== null && store.replace(session, now.version);
      },
    };
  },
  "replace says true and writes nothing": (conditions) => ({ ...memoryStore(conditions), replace: async () => true }),
  "replace forgets to write the device": (conditions) => {
    const store = memoryStore(conditions);
    return { ...store, replace: (session, version) => store.replace({ ...session, device: null }, version) };
  },
  "replace turns a tombstone into a session": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async replace(session, version) {
        const row = await store.read(session.id);
        if (row?.version !== version || row.data !== null) return store.replace(session, version);
        await store.delete(session.id);
        await store.create(session);
        return true;
      },
    };
  },
  "replace keeps the user's old place in the list": (conditions) => {
    const store = memoryStore(conditions);
    const users = new Map<string, string | null>();
    return {
      ...store,
      create: async (session) => {
        await store.create(session);
        users.set(session.id, session.userId);
      },
      list: async (userId) => (await store.list(userId)).filter((session) => users.get(session.id) === userId),
    };
  },
  "create overwrites a live row": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async create(session) {
        await store.delete(session.id);
        await store.create(session);
      },
    };
  },
  "create looks first and then writes": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async create(session) {
        if ((await store.read(session.id)) !== null) return store.create(session);
        await later();
        await store.delete(session.id);
        await store.create(session);
      },
    };
  },
  "create refuses with an error that nobody can tell": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async create(session) {
        if ((await store.read(session.id)) !== null) throw new Error("UNIQUE constraint failed");
        await store.create(session);
      },
    };
  },
  "create refuses the id of a session that has expired": (conditions) => {
    const store = memoryStore(conditions);
    const ids = new Set<string>();
    return {
      ...store,
      async create(session) {
        if (ids.has(session.id)) throw Object.assign(new Error("taken"), { code: "session_conflict" });
        ids.add(session.id);
        await store.create(session);
      },
      async delete(id) {
        ids.delete(id);
        await store.delete(id);
      },
    };
  },
  "touch creates a row": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async touch(id, clocks) {
        if ((await store.read(id)) !== null) return store.touch(id, clocks);
        const row = { version: 1, userId: null, device: null, createdAt: clocks.lastSeenAt, data: new Uint8Array() };
        await store.create({ id, ...row, ...clocks });
      },
    };
  },
  "touch revives an expired row": (conditions) => {
    let forgiving = false;
    const store = memoryStore({ now: () => (forgiving ? 0 : conditions.now()) });
    return {
      ...store,
      async touch(id, clocks) {
        forgiving = true;
        const done = store.touch(id, clocks);
        forgiving = false;
        await done;
      },
    };
  },
  "touch reads the row and writes it back": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async touch(id, clocks) {
        const row = await store.read(id);
        await later();
        if (row === null || row.data === null) return;
        await store.delete(id);
        await store.create({ ...row, ...latest(row, clocks) });
      },
    };
  },
  "touch counts as a write": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async touch(id, clocks) {
        const row = await store.read(id);
        if (row === null || row.data === null) return;
        await store.replace({ ...row, ...latest(row, clocks), version: row.version + 1 }, row.version);
      },
    };
  },
  "touch moves a clock backwards": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async touch(id, clocks) {
        const row = await store.read(id);
        if (row?.data) await forceRow(store, { ...row, ...clocks });
      },
    };
  },
  "touch moves a tombstone's clocks": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async touch(id, clocks) {
        const row = await store.read(id);
        if (row?.data !== null) return store.touch(id, clocks);
        await forceRow(store, { ...row, ...latest(row, clocks) });
      },
    };
  },
  "touch leaves lastSeenAt as it was": (conditions) => {
    const store = memoryStore(conditions);
    return { ...store, touch: (id, clocks) => store.touch(id, { ...clocks, lastSeenAt: 0 }) };
  },
  "expiry is one millisecond late": (conditions) => memoryStore({ now: () => conditions.now() - 1 }),
  "expiry is one millisecond early": (conditions) => memoryStore({ now: () => conditions.now() + 1 }),
  "times are kept in seconds": (conditions) => {
    const store = memoryStore(conditions);
    const seconds = (ms: number): number => Math.floor(ms / 1000) * 1000;
    return { ...store, create: (session) => store.create({ ...session, createdAt: seconds(session.createdAt) }) };
  },
  "delete leaves the row in the list": (conditions) => {
    const store = memoryStore(conditions);
    const deleted = new Set<string>();
    return {
      ...store,
      read: async (id) => (deleted.has(id) ? null : store.read(id)),
      delete: async (id) => void deleted.add(id),
    };
  },
  "a tombstone is read as nothing": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      async read(id) {
        const row = await store.read(id);
        return row?.data === null ? null : row;
      },
    };
  },
  ...brokenMany,
  "list shows another user's sessions": (conditions) => {
    const store = memoryStore(conditions);
    const all = new Set<string>();
    return {
      ...store,
      async create(session) {
        await store.create(session);
        all.add(session.id);
      },
      async list() {
        const rows = await Promise.all([...all].map((id) => store.read(id)));
        return rows.filter((row) => row?.userId != null && row.data !== null) as StoredSession[];
      },
    };
  },
  "list compares user ids without case": (conditions) => {
    const store = memoryStore(conditions);
    const lower = (session: StoredSession): StoredSession => ({
      ...session,
      userId: session.userId?.toLowerCase() ?? null,
    });
    const original = new Map<string, string | null>();
    const restore = (session: StoredSession): StoredSession => ({
      ...session,
      userId: original.get(session.id) ?? null,
    });
    return {
      ...store,
      create: async (session) => {
        original.set(session.id, session.userId);
        await store.create(lower(session));
      },
      replace: async (session, version) => {
        const replaced = await store.replace(lower(session), version);
        if (replaced) original.set(session.id, session.userId);
        return replaced;
      },
      read: async (id) => {
        const row = await store.read(id);
        return row && restore(row);
      },
      list: async (userId) => (await store.list(userId.toLowerCase())).map(restore),
    };
  },
  "list shows tombstones": (conditions) => {
    const store = memoryStore(conditions);
    const users = new Map<string, string | null>();
    return {
      ...store,
      create: async (session) => {
        users.set(session.id, session.userId);
        await store.create(session);
      },
      list: async (userId) => {
        const ids = [...users].filter(([, user]) => user === userId).map(([id]) => id);
        const rows = await Promise.all(ids.map((id) => store.read(id)));
        return rows.filter((row) => row !== null).sort((a, b) => b.lastSeenAt - a.lastSeenAt);
      },
    };
  },
  "list is in the order of creation": (conditions) => {
    const store = memoryStore(conditions);
    const byId = (a: StoredSession, b: StoredSession): number => (a.id < b.id ? -1 : 1);
    return { ...store, list: async (userId) => (await store.list(userId)).sort(byId) };
  },
  "list leaves the data out": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      list: async (userId) => (await store.list(userId)).map((row) => ({ ...row, data: new Uint8Array() })),
    };
  },
  "deleteExpired removes one batch": (conditions) => {
    const store = memoryStore(conditions);
    const rows = new Map<string, number>();
    return {
      ...store,
      create: async (session) => {
        await store.create(session);
        rows.set(session.id, session.expiresAt);
      },
      deleteExpired: async (now) => {
        const batch = [...rows].filter(([, expiresAt]) => expiresAt <= now).slice(0, 1000);
        for (const [id] of batch) rows.delete(id);
        return batch.length;
      },
    };
  },
  "deleteExpired removes what expires a moment later": (conditions) => {
    const store = memoryStore(conditions);
    return { ...store, deleteExpired: (now) => store.deleteExpired(now + 1) };
  },
  "deleteExpired goes by the dates that rows were created with": (conditions) => {
    const store = memoryStore(conditions);
    const dates = new Map<string, number>();
    return {
      ...store,
      create: async (session) => {
        await store.create(session);
        dates.set(session.id, session.expiresAt);
      },
      deleteExpired: async (now) => {
        const expired = [...dates].filter(([, expiresAt]) => expiresAt <= now);
        for (const [id] of expired) {
          await store.delete(id);
          dates.delete(id);
        }
        return expired.length;
      },
    };
  },
  "deleteExpired looks first and then deletes": (conditions) => {
    const store = memoryStore(conditions);
    const ids = new Set<string>();
    return {
      ...store,
      create: async (session) => {
        await store.create(session);
        ids.add(session.id);
      },
      deleteExpired: async (now) => {
        const rows = await Promise.all([...ids].map((id) => store.read(id)));
        const expired = rows.filter((row) => row !== null && row.expiresAt <= now);
        for (const row of expired) await store.delete(row?.id ?? "");
        return expired.length + (await store.deleteExpired(now));
      },
    };
  },
  "text is trimmed": (conditions) => {
    const store = memoryStore(conditions);
    return { ...store, create: (session) => store.create({ ...session, device: session.device?.trim() ?? null }) };
  },
  "text is cut at a NUL": (conditions) => {
    const store = memoryStore(conditions);
    const cut = (text: string | null): string | null => text?.split("\u0000")[0] ?? null;
    return { ...store, create: (session) => store.create({ ...session, userId: cut(session.userId) }) };
  },
  "text goes through UTF-8": (conditions) => {
    const store = memoryStore(conditions);
    const utf8 = (text: string | null): string | null => (text === null ? null : Buffer.from(text).toString());
    return { ...store, create: (session) => store.create({ ...session, device: utf8(session.device) }) };
  },
  "ids are cut at 255 characters": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      create: (session) => store.create({ ...session, id: session.id.slice(0, 255) }),
      read: (id) => store.read(id.slice(0, 255)),
    };
  },
  "users are properties of an object": (conditions) => {
    const store = memoryStore(conditions);
    const users: Record<string, boolean> = {};
    return {
      ...store,
      create: async (session) => {
        await store.create(session);
        if (session.userId !== null) users[session.userId] = true;
      },
      list: async (userId) => (Object.hasOwn(users, userId) ? store.list(userId) : []),
    };
  },
  "data goes through text": (conditions) => {
    const store = memoryStore(conditions);
    const text = (data: Uint8Array | null): Uint8Array | null =>
      data && new TextEncoder().encode(new TextDecoder().decode(data));
    return { ...store, create: (session) => store.create({ ...session, data: text(session.data) }) };
  },
  "data is the whole of the buffer that it is a part of": (conditions) => {
    const store = memoryStore(conditions);
    const whole = (data: Uint8Array | null): Uint8Array | null => data && new Uint8Array(data.buffer);
    return { ...store, create: (session) => store.create({ ...session, data: whole(session.data) }) };
  },
  "data is cut at 64 KB": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      create: (session) => store.create({ ...session, data: session.data?.slice(0, 65_536) ?? null }),
    };
  },
  "empty data is none": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      create: (session) => store.create({ ...session, data: session.data?.length ? session.data : null }),
    };
  },
  "data is shared with the caller": (conditions) => {
    const store = memoryStore(conditions);
    const shared = new Map<string, Uint8Array | null>();
    return {
      ...store,
      create: async (session) => {
        await store.create(session);
        shared.set(session.id, session.data);
      },
      read: async (id) => {
        const row = await store.read(id);
        return row && { ...row, data: shared.get(id) ?? row.data };
      },
    };
  },
  "integers have 32 bits": (conditions) => {
    const store = memoryStore(conditions);
    return { ...store, create: (session) => store.create({ ...session, version: session.version | 0 }) };
  },
  "an unknown id is an error": (conditions) => {
    const store = memoryStore(conditions);
    return {
      ...store,
      read: async (id) => {
        const row = await store.read(id);
        if (row === null) throw new Error("not found");
        return row;
      },
    };
  },
};

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

const latest = (row: StoredSession, clocks: { expiresAt: number; lastSeenAt: number }) => ({
  expiresAt: Math.max(row.expiresAt, clocks.expiresAt),
  lastSeenAt: Math.max(row.lastSeenAt, clocks.lastSeenAt),
});

async function forceRow(store: Store, row: StoredSession): Promise<void> {
  await store.delete(row.id);
  await store.create(row);
}
