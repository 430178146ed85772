import { BoundedMap } from "../../util/bounded-map.ts";
import { processMemory } from "../../util/process-memory.ts";
import type { SessionEntry } from "./sessions.ts";

/** How many sessions a process remembers of each kind: 10,000 take about 2 MB. */
const ENTRIES_MAX = 10_000;

/** What the process remembers of all its sealed sessions, whichever copy of the module has opened them. */
export interface LocalMemory {
  readonly entries: LocalEntries;
  readonly writes: RecentWrites;
}

export function localMemory(): LocalMemory {
  return processMemory("sealed sessions", () => ({ entries: new LocalEntries(), writes: new RecentWrites() }));
}

/**
 * What one process remembers of sealed sessions, the latest ones only: a cookie stays valid until it expires, so this is
 * what keeps a slow request, or a copy of the cookie, from bringing back a session that was ended or rotated here.
 */
export class LocalEntries {
  /** Apart, so that a flood of visitors makes nobody's sign-out forgotten. */
  readonly #visitors: BoundedMap<string, SessionEntry> = new BoundedMap(ENTRIES_MAX);
  readonly #users: BoundedMap<string, SessionEntry> = new BoundedMap(4 * ENTRIES_MAX);

  find(id: string): SessionEntry | undefined {
    return this.#users.get(id) ?? this.#visitors.get(id);
  }

  set(id: string, entry: SessionEntry): void {
    (entry.signInId === 0 ? this.#visitors : this.#users).set(id, entry);
  }
}

/** Which sessions were written lately, so that a request that only renews one takes nothing back. */
export class RecentWrites {
  /** Counts the writes: a clock could not tell two in one millisecond apart. */
  count = 0;
  readonly #latest: BoundedMap<string, number> = new BoundedMap(4 * ENTRIES_MAX);

  note(id: string): void {
    this.#latest.set(id, ++this.count);
  }

  /** Whether the session was written after `count` writes. */
  isWrittenSince(id: string, count: number): boolean {
    return (this.#latest.get(id) ?? 0) > count;
  }
}
