import { Buffer } from "node:buffer";
import { storeCorrupt } from "../../errors.ts";
import { isSameRow } from "../../formats/row-data.ts";
import { CLOCK_SKEW_MS } from "../../state/lifetime.ts";
import type { StoredSession } from "../../store.ts";
import { backoff } from "../../util/retry.ts";
import type { GuardedStore } from "../store/guarded-store.ts";

export interface StoredEntry<Entry> {
  readonly entry: Entry;
  readonly row: StoredSession;
}

export interface Change<Entry> {
  readonly before: Entry | null;
  readonly after: Entry | null;
}

/** Of what kind the notes are. */
export interface EntryKind<Entry> {
  /** What their rows' ids begin with: no session's id has a colon. */
  readonly prefix: string;
  /** Rows are sealed, notes are not: what an engine answers may be anything. */
  readonly isEntry: (value: unknown) => value is Entry;
}

/** Small notes in a store, each under a key of its own, as rows like any other. */
export class EntryTable<Entry> {
  readonly #store: GuardedStore;
  readonly #now: () => number;
  readonly #keepMs: number;
  readonly #kind: EntryKind<Entry>;

  /** `keepMs`: for how long a note is kept after it was written last. */
  constructor(store: GuardedStore, now: () => number, keepMs: number, kind: EntryKind<Entry>) {
    this.#store = store;
    this.#now = now;
    this.#keepMs = keepMs;
    this.#kind = kind;
  }

  prune(): Promise<number> {
    return this.#store.deleteExpired(this.#now());
  }

  async change(key: string, next: (entry: Entry | null) => Entry | null): Promise<Change<Entry>> {
    for (let tries = 1; ; tries++) {
      const found = await this.read(key);
      const before = found?.entry ?? null;
      const after = next(before);
      if (after === null || after === before || (await this.put(key, after, found))) return { before, after };
      await backoff(tries);
    }
  }

  async put(key: string, entry: Entry, found: StoredEntry<Entry> | null): Promise<boolean> {
    if (found === null) return this.create(key, entry);
    const row = this.#row(key, entry, found.row.version + 1);
    return (await this.#store.replace(row, found.row.version)) || this.#isThere(row);
  }

  async create(key: string, entry: Entry): Promise<boolean> {
    const row = this.#row(key, entry, 1);
    try {
      await this.#store.create(row);
      return true;
    } catch (error) {
      // Refused because there is one, or failed, or sent twice by a client that lost its connection: a look tells.
      const found = await this.#store.read(row.id);
      if (found === null) throw error;
      // It may be there and the store still have reason to say no (no replica has it): then it is asked again.
      return isSameRow(found, row) && this.#store.replace({ ...row, version: 2 }, 1);
    }
  }

  /** Whether it is this very row that is there: a client that lost its connection may have sent it twice. */
  async #isThere(row: StoredSession): Promise<boolean> {
    return isSameRow(await this.#store.read(row.id), row);
  }

  async read(key: string): Promise<StoredEntry<Entry> | null> {
    const row = await this.#store.read(this.#kind.prefix + key);
    if (row === null || row.data === null) return null;
    const entry = parsed(row.data);
    if (!this.#kind.isEntry(entry)) throw storeCorrupt("an ended session's entry cannot be read");
    return { entry, row };
  }

  #row(key: string, entry: Entry, version: number): StoredSession {
    const now = this.#now();
    return {
      id: this.#kind.prefix + key,
      version,
      userId: null,
      device: null,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: now + this.#keepMs + 2 * CLOCK_SKEW_MS,
      data: Buffer.from(JSON.stringify(entry), "utf8"),
    };
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
}
