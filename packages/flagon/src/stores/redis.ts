import { storeCorrupt, storeFull } from "../errors.ts";
import type { Store, StoredSession } from "../store.ts";
import { BoundedMap } from "../util/bounded-map.ts";
import { checkNames } from "../util/option-names.ts";
import { type RedisClient, type RedisPart, type Send, senderOf } from "./redis/client.ts";
import {
  createScript,
  indexScript,
  replaceScript,
  runScript,
  type Script,
  textOf,
  touchScript,
} from "./redis/scripts.ts";
import { decodeValue, encodeValue, integerBytes } from "./redis/value.ts";
import { inOrderOf, lastSeenFirst, taken } from "./shared/rows.ts";
import { fromText, toKey, toText } from "./shared/text.ts";

export type { RedisClient };

/** How {@link redisStore} is set up. */
export interface RedisStoreOptions {
  /** What every key's name begins with; default `flagon:`. With a `{tag}` in it, a Cluster keeps all sessions on one node. */
  readonly prefix?: string;
  /** The clock in milliseconds, for tests. */
  readonly now?: () => number;
}

/**
 * Sessions in Redis or Valkey, one server or a Cluster. `client` is a connected client of redis (node-redis), ioredis or
 * iovalkey.
 *
 * Keys: `flagon:s:<id>`, one value for each session, and `flagon:u:<user id>`, the user's index. Each has a time to live.
 * In a Cluster the two are on different nodes, so no step spans them: the index is told before a session is created,
 * may therefore know of too many, never of too few, and forgets what it finds gone.
 *
 * Redis has to keep what it was told: with `maxmemory-policy noeviction`, since an index that was evicted misses
 * sessions when a user signs out everywhere. A failover may lose the last writes, as Redis says of itself.
 *
 * Throws a `TypeError` for anything that is no client.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): Store {
  checkNames(options, "prefix now", "redisStore");
  const { prefix = "flagon:", now = Date.now } = options;
  const send = named(senderOf(client));
  const sessionKey = (id: string): string => `${prefix}s:${toKey(id, NAME_BYTES_MAX)}`;
  /** Whether a session had no user when it was read: a guess, which costs a command where it is wrong. */
  const visitors = new BoundedMap<string, boolean>(VISITORS_MAX);
  const noteUser = ({ id, userId }: StoredSession): void => {
    if (userId === null || visitors.get(id) === true) visitors.set(id, userId === null);
  };
  const userKey = (userId: string): string => `${prefix}u:${toKey(userId, NAME_BYTES_MAX)}`;
  const run = (script: Script, key: string, ...parts: RedisPart[]): Promise<unknown> =>
    runScript(send, script, key, parts);

  async function read(id: string): Promise<StoredSession | null> {
    const value = await send("GET", sessionKey(id));
    const session = value === null ? null : decodeValue(id, value);
    if (session === null || session.expiresAt <= now()) return null;
    noteUser(session);
    return session;
  }

  /** The live ones of these sessions, in no order. */
  async function readAll(ids: Iterable<string>): Promise<StoredSession[]> {
    const all = [...new Set(ids)];
    const found: StoredSession[] = [];
    for (let start = 0; start < all.length; start += BATCH) {
      // Sent one behind the other, and none waits for another's answer: a round trip, to each node that has any of them.
      const sessions = await Promise.all(all.slice(start, start + BATCH).map(read));
      found.push(...sessions.filter((session) => session !== null));
    }
    return found;
  }

  async function index(userId: string, id: string, until: number): Promise<void> {
    const moment = now();
    const entry = `${moment.toString(36)}:${toText(id)}`;
    const ttl = String(Math.max(until - moment, 0) + TTL_MARGIN_MS);
    const size = Number(await run(indexScript, userKey(userId), String(moment), String(until), entry, ttl));
    // Sessions that were ended early stay in the index until somebody looks. Looking each time its size has doubled
    // keeps it near the number of live ones, at a cost for each login that does not grow.
    if (size >= 64 && Number.isInteger(Math.log2(size))) await sessionsOf(userId);
  }

  /** The user's live sessions. Forgets the entries that it finds to be of no use. */
  async function sessionsOf(userId: string): Promise<StoredSession[]> {
    const entries = await entriesOf(userKey(userId));
    const found = await readAll(entries.map((entry) => entry.id));
    const sessions = found.filter((session) => session.userId === userId && session.data !== null);
    const live = new Set(sessions.map(({ id }) => id));
    const moment = now();
    await forget(
      userId,
      entries.filter((entry) => !live.has(entry.id) && isSettled(entry, moment)),
    );
    return sessions;
  }

  async function forget(userId: string, entries: readonly Entry[]): Promise<void> {
    const key = userKey(userId);
    for (let start = 0; start < entries.length; start += 1000) {
      const part = entries.slice(start, start + 1000).map((entry) => entry.text);
      await send("ZREM", key, ...part);
    }
  }

  async function entriesOf(key: string): Promise<Entry[]> {
    const reply = await send("ZRANGE", key);
    if (!Array.isArray(reply)) throw storeCorrupt("the session store holds a user's index that is none");
    return reply.map(textOf).map(toEntry);
  }

  return {
    read,
    async readMany(ids) {
      return inOrderOf(ids, await readAll(ids));
    },
    async create(session) {
      const until = coverage(session.expiresAt, now());
      if (session.userId !== null) await index(session.userId, session.id, until);
      const value = encodeValue(session, until);
      const moment = now();
      const created = await run(createScript, sessionKey(session.id), String(moment), ttl(session, moment), value);
      if (created !== 1) throw taken();
    },
    async replace(session, version) {
      const moment = now();
      const until = coverage(session.expiresAt, moment);
      const value = encodeValue(session, until);
      const parts = [String(moment), ttl(session, moment), value, String(version)];
      // Of a user who signs in the index has to know first: said at once, that is one command less.
      const isSignIn = session.userId !== null && visitors.get(session.id) === true;
      const replaced = isSignIn ? 2 : await run(replaceScript, sessionKey(session.id), ...parts, "0");
      if (replaced !== 2 || session.userId === null) return replaced === 1;
      await index(session.userId, session.id, until);
      const isReplaced = (await run(replaceScript, sessionKey(session.id), ...parts, "1")) === 1;
      if (isReplaced) noteUser(session);
      return isReplaced;
    },
    async touch(id, clocks) {
      const { expiresAt, lastSeenAt } = clocks;
      const moment = now();
      const until = coverage(expiresAt, moment);
      const times = [integerBytes(expiresAt), integerBytes(lastSeenAt)];
      const parts = [String(moment), String(expiresAt), String(lastSeenAt), ...times, String(TTL_MARGIN_MS)];
      let reply = await run(touchScript, sessionKey(id), ...parts);
      // Twice at most, unless the session changes hands meanwhile.
      for (let tries = 0; reply !== 1 && tries < 3; tries++) {
        const user = textOf(reply);
        await index(fromText(user), id, until);
        reply = await run(touchScript, sessionKey(id), ...parts, integerBytes(until), user);
      }
    },
    async delete(id) {
      await send("DEL", sessionKey(id));
    },
    async list(userId) {
      return (await sessionsOf(userId)).sort(lastSeenFirst);
    },
    async now() {
      const reply = await send("EVAL", sessionKey("now"), 'return redis.call("TIME")');
      const [seconds, micros] = Array.isArray(reply) ? reply.map((part) => Number(textOf(part))) : [];
      return Math.floor((seconds ?? Number.NaN) * 1_000 + (micros ?? 0) / 1_000);
    },
    async deleteExpired() {
      return 0;
    },
  };
}

/** Longer ids are named by their digest: a name is sent with every command. */
const NAME_BYTES_MAX = 128;

/**
 * Redis drops a key this long after the session's end. What decides is the caller's clock, against `expiresAt`; the
 * margin keeps Redis from being first, whichever clock is ahead.
 */
const TTL_MARGIN_MS = 60_000;

/** How many sessions without a user are remembered, from a request's read until its write. */
const VISITORS_MAX = 2_000;

/** An entry this young may be of a session that is being created, and is kept although the session is not there. */
const CREATION_MS_MAX = 60_000;

const DAY_MS = 86_400_000;

/** Until when the index is told of a session: as long again as it has to live, so that renewals rarely come here. */
function coverage(expiresAt: number, moment: number): number {
  return Math.min(expiresAt + Math.max(expiresAt - moment, DAY_MS), Number.MAX_SAFE_INTEGER);
}

/** Counted from now rather than to a date: Redis's clock may be set otherwise than ours. */
function ttl(session: StoredSession, moment: number): string {
  return String(Math.max(session.expiresAt - moment, 0) + TTL_MARGIN_MS);
}

interface Entry {
  readonly text: string;
  readonly id: string;
  readonly indexedAt: number;
}

function isSettled(entry: Entry, moment: number): boolean {
  return entry.indexedAt < moment - CREATION_MS_MAX;
}

function toEntry(text: string): Entry {
  const colon = text.indexOf(":");
  const indexedAt = Number.parseInt(text.slice(0, colon), 36);
  try {
    if (colon > 0 && Number.isSafeInteger(indexedAt)) return { text, id: fromText(text.slice(colon + 1)), indexedAt };
  } catch {}
  throw storeCorrupt("the session store holds an entry in a user's index that is none");
}

/** So many single-key commands at once, each to the node that has its key. */
const BATCH = 1_000;

/** A key of another type, or a value of somebody else's, is no failure of Redis. */
function named(send: Send): Send {
  return async (...command) => {
    try {
      return await send(...command);
    } catch (cause) {
      if (cause instanceof Error && /\bWRONGTYPE\b|^FLAGON /.test(cause.message))
        throw storeCorrupt("the session store holds a key of another kind", { cause });
      if (cause instanceof Error && cause.message.startsWith("OOM ")) throw storeFull(cause);
      throw cause;
    }
  };
}
