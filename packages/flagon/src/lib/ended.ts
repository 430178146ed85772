import type { SessionRecord } from "../codec.ts";
import { BoundedMap } from "./bounded-map.ts";

/** For so long after its end a session's parallel requests are taken for what they are: late, not new. */
export const LATE_MS = 30_000;

/** How many ended ids a process remembers: 10,000 of them take about 2 MB. */
const ENDED_MAX = 10_000;

/** A session as far as its descent goes. */
type Link = Pick<SessionRecord, "id" | "family" | "userId">;

interface Ended {
  readonly at: number;
  /** The session that began in its place, and whether it is this one under a new id. */
  readonly next: Link | null;
  readonly isHeir: boolean;
}

/**
 * The sealed sessions that this process has ended. A sealed cookie stays valid until it expires, so this is what keeps a
 * slow request, or a copy of the cookie, from bringing a session back; in this process only, and only the latest ones.
 */
export class EndedIds {
  readonly #ended: BoundedMap<string, Ended> = new BoundedMap(4 * ENDED_MAX);

  /** Ends one id because the session `next` takes its place. */
  retire(id: string, { id: nextId, family, userId }: SessionRecord, now: number): void {
    const next = { id: nextId, userId, ...(family === undefined ? {} : { family }) };
    this.#ended.set(id, { at: now, next, isHeir: family !== undefined });
  }

  /** Ends a session and all that descend from the one it came from. */
  end({ id, family = id }: Link, now: number): void {
    for (const each of [id, heirsOf(family)]) this.#ended.set(each, { at: now, next: null, isHeir: true });
  }

  /** When the session was ended, itself or as an heir, in milliseconds; null for one that was not. */
  endedAt(session: Link): number | null {
    return this.#find(session)?.at ?? null;
  }

  /**
   * The id whose place a new sign-in takes that came with an ended session: of what that has become. Null when somebody
   * else is signed in there, or, unless `afterEnd`, when it was signed out.
   */
  lastOf(session: Link, userId: string | null, afterEnd: boolean): string | null {
    let [last, isHeir] = [session, true];
    for (let ended = this.#find(last); ended !== null; ended = this.#find(last)) {
      if (ended.next === null) return afterEnd ? last.id : null;
      isHeir &&= ended.isHeir;
      last = ended.next;
    }
    return isHeir || last.userId === null || last.userId === userId ? last.id : null;
  }

  #find({ id, family }: Link): Ended | null {
    return this.#ended.get(id) ?? (family === undefined ? null : (this.#ended.get(heirsOf(family)) ?? null));
  }
}

/** No id looks like this. */
function heirsOf(family: string): string {
  return `heirs of ${family}`;
}
