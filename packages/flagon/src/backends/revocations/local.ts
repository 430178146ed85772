import type { SessionRecord } from "../../codec.ts";
import { BoundedMap } from "../../util/bounded-map.ts";

/** For so long after its end a session's parallel requests are taken for what they are: late, not new. */
export const ROTATION_GRACE_MS = 30_000;

/** How many ended ids a process remembers: 10,000 of them take about 2 MB. */
const ENDED_MAX = 10_000;

/** A session as far as its descent goes. */
type Link = Pick<SessionRecord, "id" | "userId"> & { readonly family?: string | undefined };

interface Ended {
  readonly at: number;
  /** The session that began in its place. */
  readonly next?: Link;
}

/**
 * The sealed sessions that this process has ended. A sealed cookie stays valid until it expires, so this is what keeps a
 * slow request, or a copy of the cookie, from bringing a session back; in this process only, and only the latest ones.
 */
export class LocalRevocations {
  readonly #ended: BoundedMap<string, Ended> = new BoundedMap(4 * ENDED_MAX);

  readonly #written: BoundedMap<string, number> = new BoundedMap(4 * ENDED_MAX);
  /** Counts the cookies with a change in them: a clock could not tell two in one millisecond apart. */
  writes = 0;

  noteWrite(id: string): void {
    this.#written.set(id, ++this.writes);
  }

  /** Whether a change of this session went out after `writes` of them. */
  isWrittenSince(id: string, writes: number): boolean {
    return (this.#written.get(id) ?? 0) > writes;
  }

  /** Ends one id because the session `next` takes its place. */
  retire(id: string, { id: nextId, family, userId }: SessionRecord, at: number): void {
    this.#ended.set(id, { at, next: { id: nextId, family, userId } });
  }

  /** Ends a session and all that descend from the one it came from. */
  end({ id, family = id }: Link, at: number): void {
    this.#ended.set(id, { at });
    this.#ended.set(heirsOf(family), { at });
  }

  /** How the session was ended, itself or as an heir; undefined for one that was not. */
  find({ id, family }: Link): Ended | undefined {
    return this.#ended.get(id) ?? this.#ended.get(heirsOf(family));
  }

  /**
   * The id whose place a new sign-in takes that came with an ended session: of what that has become. Null when somebody
   * else is signed in there, or, unless `afterEnd`, when it was signed out.
   */
  lastOf(session: Link, userId: string | null, afterEnd: boolean): string | null {
    let last = session;
    let isHeir = true;
    for (let ended = this.find(last); ended !== undefined; ended = this.find(last)) {
      if (ended.next === undefined) return afterEnd ? last.id : null;
      last = ended.next;
      isHeir &&= last.family !== undefined;
    }
    return isHeir || last.userId === null || last.userId === userId ? last.id : null;
  }
}

/** No id looks like this, and of no family there is none. */
function heirsOf(family: string | undefined): string {
  return `heirs of ${family}`;
}
