import type { StoredSession } from "../store.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { endless, idsAfter, STEPS_MAX } from "./line.ts";
import { type End, endOf, tombstoneOf } from "./tombstone.ts";
import { beforeNextTry } from "./tries.ts";

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
    let next: string | null = id;
    for (let steps = 0; next !== null; steps++) {
      if (steps === STEPS_MAX) throw endless();
      next = await this.#endOne(next, how);
    }
  }

  /**
   * The last row of the line that begins with this one: a live one, or a tombstone after which nothing has begun. And
   * whether it is the same session, under a new id; and the id of the session that it names, which is not there yet.
   */
  async lastOf(
    row: StoredSession,
  ): Promise<{ readonly last: StoredSession; readonly isHeir: boolean; readonly unborn: string | null }> {
    let [last, isHeir] = [row, true];
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const end = endOf(last);
      const found = end === null || end.next === null ? null : await this.#store.read(end.next);
      if (end === null || found === null) return { last, isHeir, unborn: end?.next ?? null };
      isHeir &&= end.isHeir;
      last = found;
    }
    throw endless();
  }

  /** What the session has become, one after another, as far as its tombstones tell. */
  heirsOf(id: string): Promise<string[]> {
    return idsAfter(id, async (each) => endOf(await this.#store.read(each))?.next ?? null);
  }

  /** Resolves the heir, which is to end as well. */
  async #endOne(id: string, how: End): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      const row = await this.#store.read(id);
      if (row === null) return null;
      const before = endOf(row);
      const next = before?.isHeir ? before.next : null;
      if (before !== null && (next === null || before.how !== "replaced")) return next;
      // What came after is still named: who follows later has to find the same end of the line.
      const end = { ...how, next, isHeir: next !== null };
      if (await this.#store.replace(tombstoneOf(row, end, this.#now()), row.version)) return next;
      await beforeNextTry(tries);
    }
  }
}
