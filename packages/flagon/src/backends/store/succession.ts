import type { StoredSession } from "../../store.ts";
import { backoff } from "../../util/retry.ts";
import { endless, idsAfter, STEPS_MAX } from "../succession.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { type End, endOf, tombstoneOf } from "./tombstone.ts";

/**
 * Sessions in the order in which one took another's place, each tombstone naming the next. A line never forks: whoever
 * goes on from a session replaces the last row of its line, or creates it where what is named there has not begun, and a
 * store does either only once. What a tombstone names is never changed: it may just be beginning.
 */
export class Succession {
  readonly #store: GuardedStore;
  readonly #now: () => number;

  constructor(store: GuardedStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Ends the session with this id and its heirs. Nothing revives it: no heir can begin any more either, nor the session
   * itself where it `isNamed`, as the one that follows another, and may be about to.
   */
  async end(id: string, how: End, isNamed = false): Promise<void> {
    let next: string | null = id;
    for (let steps = 0; next !== null; steps++) {
      if (steps === STEPS_MAX) throw endless();
      next = await this.#endOne(next, how, isNamed || steps > 0);
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
  async #endOne(id: string, how: End, isNamed: boolean): Promise<string | null> {
    for (let tries = 1; ; tries++) {
      const row = await this.#store.read(id);
      if (row === null && !isNamed) return null;
      const before = endOf(row);
      const next = before?.isHeir ? before.next : null;
      if (before !== null && (next === null || before.how !== "replaced")) return next;
      // What came after is still named: who follows later has to find the same end of the line.
      const end = { ...how, next, isHeir: next !== null };
      if (await (row === null ? this.#forestall(id, end) : this.#bury(row, end))) return next;
      await backoff(tries);
    }
  }

  #bury(row: StoredSession, end: End): Promise<boolean> {
    return this.#store.replace(tombstoneOf(row, end, this.#now()), row.version);
  }

  /** Puts a tombstone where a session is about to begin. False when that was faster, or something else took its place. */
  async #forestall(id: string, end: End): Promise<boolean> {
    const now = this.#now();
    const clocks = { createdAt: now, lastSeenAt: now, expiresAt: now };
    const place = { id, version: 0, userId: null, device: null, ...clocks, data: null };
    try {
      await this.#store.create(tombstoneOf(place, end, now));
      return true;
    } catch (error) {
      // Refused because there is a row now, or failed: a look tells.
      if ((await this.#store.read(id)) === null) throw error;
      return false;
    }
  }
}
