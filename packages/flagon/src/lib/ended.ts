import { BoundedMap } from "./bounded-map.ts";

/** For so long after its end a session's parallel requests are taken for what they are: late, not new. */
export const LATE_MS = 30_000;

/** How many ended ids a process remembers: 10,000 of them take about 1 MB. */
const ENDED_MAX = 10_000;

/**
 * The sealed sessions that this process has ended. A sealed cookie stays valid until it expires, so this is what keeps a
 * slow request, or a copy of the cookie, from bringing a session back; in this process only, and only the latest ones.
 */
export class EndedIds {
  readonly #endedAt: BoundedMap<string, number> = new BoundedMap(2 * ENDED_MAX);

  add(id: string, now: number): void {
    this.#endedAt.set(id, now);
  }

  /** When the session was ended, in milliseconds; undefined for one that was not. */
  endedAt(id: string): number | undefined {
    return this.#endedAt.get(id);
  }
}
