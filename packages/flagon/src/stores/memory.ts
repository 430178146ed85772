import type { Store, StoredSession } from "../store.ts";
import { isProduction } from "../util/environment.ts";
import { checkNames } from "../util/option-names.ts";
import { lastSeenFirst, taken } from "./shared/rows.ts";

/** How {@link memoryStore} is set up. */
export interface MemoryStoreOptions {
  /**
   * How many rows are kept; default 100,000. A new one past that puts out the row that was written longest ago: its
   * visitor is signed out, or an end that it remembered is forgotten. A row of a small session takes about a kilobyte.
   */
  readonly max?: number;
  /** The clock in milliseconds, for tests. */
  readonly now?: () => number;
}

/**
 * Sessions in this process alone: for development and tests. A restart signs everybody out, and a second process knows
 * none of them, so in production (`NODE_ENV=production`) it says so once, as a process warning.
 *
 * Throws a `TypeError` when `max` is no positive integer.
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  checkNames(options, "max now", "memoryStore");
  const { max = 100_000, now = Date.now } = options;
  if (!Number.isSafeInteger(max) || max < 1) throw new TypeError("memoryStore: max is a positive integer");
  warnInProduction();

  /** In the order of the last write: the first is the one to put out. */
  const rows = new Map<string, StoredSession>();
  const idsByUser = new Map<string, Set<string>>();
  let sweeper = rows.entries();

  const isLive = (row: StoredSession): boolean => row.expiresAt > now();
  const live = (id: string): StoredSession | undefined => {
    const row = rows.get(id);
    return row !== undefined && isLive(row) ? row : undefined;
  };

  function put(session: StoredSession): void {
    remove(session.id);
    rows.set(session.id, copy(session));
    if (session.userId === null) return;
    const ids = idsByUser.get(session.userId);
    if (ids === undefined) idsByUser.set(session.userId, new Set([session.id]));
    else ids.add(session.id);
  }

  function remove(id: string): void {
    const userId = rows.get(id)?.userId;
    rows.delete(id);
    if (userId === undefined || userId === null) return;
    const ids = idsByUser.get(userId);
    ids?.delete(id);
    if (ids?.size === 0) idsByUser.delete(userId);
  }

  /** Each new row pays for looking at a few old ones, in turn: expired rows go without a timer, and no request waits. */
  function sweep(): void {
    for (let looked = 0; looked < 4; looked++) {
      const next = sweeper.next();
      if (next.done === true) {
        sweeper = rows.entries();
        return;
      }
      const [id, row] = next.value;
      if (!isLive(row)) remove(id);
    }
  }

  function sessionsOf(userId: string): StoredSession[] {
    const ids = idsByUser.get(userId) ?? [];
    return [...ids].flatMap((id) => live(id) ?? []).filter((row) => row.data !== null);
  }

  // The methods are async so that what goes wrong is a rejection, as with any other store.
  return {
    async read(id) {
      const row = live(id);
      return row === undefined ? null : copy(row);
    },
    async readMany(ids) {
      return ids.map((id) => {
        const row = live(id);
        return row === undefined ? null : copy(row);
      });
    },
    async create(session) {
      if (live(session.id) !== undefined) throw taken();
      sweep();
      put(session);
      for (const oldest of rows.keys()) {
        if (rows.size <= max) break;
        remove(oldest);
      }
    },
    async replace(session, version) {
      const row = live(session.id);
      if (row === undefined || row.version !== version) return false;
      if (row.data === null && session.data !== null) return false;
      put(session);
      return true;
    },
    async touch(id, clocks) {
      const row = live(id);
      if (row === undefined || row.data === null) return;
      put({
        ...row,
        expiresAt: Math.max(row.expiresAt, clocks.expiresAt),
        lastSeenAt: Math.max(row.lastSeenAt, clocks.lastSeenAt),
      });
    },
    async delete(id) {
      remove(id);
    },
    async list(userId) {
      return sessionsOf(userId).map(copy).sort(lastSeenFirst);
    },
    async count() {
      let count = 0;
      for (const row of rows.values()) if (isLive(row) && row.data !== null) count++;
      return count;
    },
    async deleteExpired(moment) {
      let count = 0;
      let looked = 0;
      for (const [id, row] of rows) {
        if (row.expiresAt <= moment) {
          remove(id);
          count++;
        }
        // A pause for the requests that wait; the map's iterator goes on where it was, whatever they changed.
        if (++looked % PRUNE_BATCH === 0) await new Promise((resolve) => setTimeout(resolve));
      }
      return count;
    },
  };
}

const PRUNE_BATCH = 10_000;

/** Neither the caller's bytes nor what it does with the ones it got may reach into the store. */
function copy(session: StoredSession): StoredSession {
  return { ...session, data: session.data === null ? null : session.data.slice() };
}

let warned = false;

function warnInProduction(): void {
  if (warned || !isProduction() || typeof process.emitWarning !== "function") return;
  warned = true;
  process.emitWarning(
    "memoryStore keeps sessions in this process alone: a restart signs everybody out and other instances know none of " +
      "them. Use flagon/sqlite, flagon/redis or flagon/postgres, or leave the store out and seal sessions in the cookie.",
    { type: "FlagonWarning", code: "FLAGON_MEMORY_STORE" },
  );
}
