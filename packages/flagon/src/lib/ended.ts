import type { SessionRecord } from "../codec.ts";
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
  readonly #endedAt: BoundedMap<string, number> = new BoundedMap(4 * ENDED_MAX);

  /** Ends one id; its heir, if it has one, lives. */
  retire(record: SessionRecord, now: number): void {
    this.#endedAt.set(record.id, now);
  }

  /** Ends a session and all that descend from the one it came from. */
  end(record: SessionRecord, now: number): void {
    this.#endedAt.set(record.id, now);
    this.#endedAt.set(heirsOf(record.family ?? record.id), now);
  }

  /** When the session was ended, itself or as an heir, in milliseconds; null for one that was not. */
  endedAt({ id, family }: SessionRecord): number | null {
    return this.#endedAt.get(id) ?? (family === undefined ? null : (this.#endedAt.get(heirsOf(family)) ?? null));
  }
}

/** No id looks like this. */
function heirsOf(family: string): string {
  return `heirs of ${family}`;
}
