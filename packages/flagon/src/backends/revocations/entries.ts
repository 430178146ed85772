import { Buffer } from "../../crypto/bytes.ts";
import { storeCorrupt } from "../../errors.ts";
import { isSameRow } from "../../formats/row-data.ts";
import type { StoredSession } from "../../store.ts";
import { backoff } from "../../util/retry.ts";
import type { GuardedStore } from "../store/guarded-store.ts";

export interface StoredEntry<Entry> {
  readonly entry: Entry;
  readonly row: StoredSession;
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
  readonly #kind: EntryKind<Entry>;

  constructor(store: GuardedStore, now: () => number, kind: EntryKind<Entry>) {
    this.#store = store;
    this.#now = now;
    this.#kind = kind;
  }

  prune(): Promise<number> {
    return this.#store.deleteExpired(this.#now());
  }

  /** Writes what `next` makes of the note, kept `until` then; nothing when that is null. */
  async change(key: string, until: number, next: (entry: Entry | null) => Entry | null): Promise<Entry | null> {
    for (let tries = 1; ; tries++) {
      const found = await this.read(key);
      const entry = next(found?.entry ?? null);
      if (entry === null || (await this.put(key, entry, until, found))) return entry;
      await backoff(tries);
    }
  }

  /** False when `found` is no longer what is there. A note is kept for as long as it was to be kept before, or longer. */
  async put(key: string, entry: Entry, until: number, found: StoredEntry<Entry> | null): Promise<boolean> {
    if (found === null) return this.#create(this.#row(key, entry, until, 1));
    const { version, expiresAt } = found.row;
    const row = this.#row(key, entry, Math.max(until, expiresAt), version + 1);
    return (await this.#store.replace(row, version)) || this.#isThere(row);
  }

  async #create(row: StoredSession): Promise<boolean> {
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

  #row(key: string, entry: Entry, expiresAt: number, version: number): StoredSession {
    const now = this.#now();
    return {
      id: this.#kind.prefix + key,
      version,
      userId: null,
      device: null,
      createdAt: now,
      lastSeenAt: now,
      expiresAt,
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
