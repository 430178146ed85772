import { SessionError } from "../errors.ts";
import type { StoredSession } from "../store.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { type End, endOf, tombstoneOf } from "./tombstone.ts";

/** How often an end is tried: each try loses only to a request that changed the session meanwhile. */
const TRIES_MAX = 30;

/**
 * Sessions in the order in which one took another's place, each tombstone naming the next. A line never forks: whoever
 * goes on from a session replaces the last row of its line, and a store replaces a row only once.
 */
export class StoreLine {
  readonly #store: GuardedStore;
  readonly #now: () => number;

  constructor(store: GuardedStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Ends the session with this id and its heirs. Nothing revives it: no heir can begin any more either. */
  async end(id: string, how: End): Promise<void> {
    for (let next: string | null = id; next !== null; ) next = await this.#endOne(next, how);
  }

  /** The last row of the line that begins with this one: a live one, or a tombstone after which nothing has begun. */
  async lastOf(row: StoredSession): Promise<StoredSession> {
    let last = row;
    for (let next = endOf(row)?.next ?? null; next !== null; next = endOf(last)?.next ?? null) {
      const found: StoredSession | null = await this.#store.read(next);
      if (found === null) return last;
      last = found;
    }
    return last;
  }

  /** Puts `end` at the end of the line that begins with this id: who follows it from anywhere comes to what `end` names. */
  async endLine(id: string, end: End): Promise<void> {
    for (let [start, tries]: [string | null, number] = [id, 0]; start !== null; tries++) {
      const row: StoredSession | null = await this.#store.read(start);
      if (row === null) return;
      if (tries === TRIES_MAX) throw tooMany();
      const last = await this.lastOf(row);
      // What it named was not there a moment ago; should it have begun since, it is in line too.
      if (await this.#store.replace(tombstoneOf(last, end, this.#now()), last.version))
        start = endOf(last)?.next ?? null;
    }
  }

  /** What the session has become, one after another, as far as its tombstones tell. */
  async heirsOf(id: string): Promise<string[]> {
    const heirs: string[] = [];
    for (let next: string | null = id; next !== null; ) {
      const row: StoredSession | null = await this.#store.read(next);
      next = row === null ? null : (endOf(row)?.next ?? null);
      if (next !== null) heirs.push(next);
    }
    return heirs;
  }

  /** Resolves the heir, which is to end as well. */
  async #endOne(id: string, how: End): Promise<string | null> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const row = await this.#store.read(id);
      if (row === null) return null;
      const before = endOf(row);
      const next = before?.isHeir ? before.next : null;
      if (before !== null && (next === null || before.how !== "replaced")) return next;
      // What came after is still named: who follows later has to find the same end of the line.
      const end = { ...how, next, isHeir: next !== null };
      if (await this.#store.replace(tombstoneOf(row, end, this.#now()), row.version)) return next;
    }
    throw tooMany();
  }

  /** Whether the session is the one that was `from`, under a new id. */
  async isHeir(from: string, id: string): Promise<boolean> {
    for (let next: string | null = from; next !== null && next !== id; ) {
      const row: StoredSession | null = await this.#store.read(next);
      const end: End | null = row === null ? null : endOf(row);
      if (!end?.isHeir) return false;
      next = end.next;
    }
    return true;
  }
}

function tooMany(): SessionError {
  return new SessionError("session_conflict", "a session was changed by too many requests while it was to end");
}
