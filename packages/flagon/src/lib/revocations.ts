import { Buffer } from "node:buffer";
import type { SessionRecord } from "../codec.ts";
import { SessionError } from "../errors.ts";
import type { StoredSession } from "../store.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { CLOCK_SKEW_MS } from "./lifetime.ts";

/** One tries again this often when others write the same entry; each try loses only to one that won. */
const TRIES_MAX = 20;

/** What is known of a session's id after its end. */
interface IdEntry {
  /** True: every session that descends from it is ended too. False: it was rotated, and its heir lives. */
  readonly heirs: boolean;
  readonly family: string;
}

/** A user's mark: sessions signed in before that moment are ended, but for the exceptions. */
interface UserEntry {
  readonly before: number;
  readonly except: readonly string[];
}

interface Found<Entry> {
  readonly entry: Entry;
  readonly version: number;
  readonly writtenAt: number;
}

/**
 * Ended sessions, remembered in a store: by id, with or without heirs, and by user as "signed in before this moment". The
 * entries are rows like any other, under ids that no session has, and are kept for as long as a session may live.
 */
export class Revocations {
  readonly #store: GuardedStore;
  readonly #now: () => number;
  readonly #keepMs: number;

  constructor(store: GuardedStore, now: () => number, keepMs: number) {
    this.#store = store;
    this.#now = now;
    this.#keepMs = keepMs;
  }

  /**
   * When the session was ended, in milliseconds: itself, as an heir, or with its user. Null for one that was not. Asks the
   * store each time.
   */
  async endedAt(record: SessionRecord): Promise<number | null> {
    const [own, family, user] = await Promise.all([
      this.#read<IdEntry>(idKey(record.id)),
      record.family === undefined ? null : this.#read<IdEntry>(idKey(record.family)),
      record.userId === null ? null : this.#read<UserEntry>(userKey(record.userId)),
    ]);
    if (own !== null) return own.writtenAt;
    if (family?.entry.heirs === true) return family.writtenAt;
    return user !== null && isBefore(record, user.entry) ? user.writtenAt : null;
  }

  /** Ends one id while its heir lives. False when it was ended before: of two that rotate a session, one wins. */
  async retire(record: SessionRecord): Promise<boolean> {
    return this.#create(idKey(record.id), { heirs: false, family: record.family ?? record.id });
  }

  /** Ends a session and all that descend from the one it came from. */
  async end(record: SessionRecord): Promise<void> {
    const family = record.family ?? record.id;
    await this.#endWithHeirs(record.id, family);
    if (family !== record.id) await this.#endWithHeirs(family, family);
  }

  /** Ends the session with this id; when it was rotated meanwhile, its heirs. */
  async endId(id: string): Promise<void> {
    const family = await this.#endWithHeirs(id, id);
    if (family !== id) await this.#endWithHeirs(family, family);
  }

  /** Ends every session of the user signed in until now, on servers whose clocks are a little ahead too. */
  async endUser(userId: string, except: string | undefined): Promise<void> {
    await this.#change<UserEntry>(userKey(userId), (entry) => ({
      before: Math.max(this.#now() + CLOCK_SKEW_MS, (entry?.before ?? 0) + 1),
      except: except === undefined ? [] : [except],
    }));
  }

  /** The moment from which a login of this user counts as one after the last mark; 0 without a mark. */
  async earliestLogin(userId: string): Promise<number> {
    return (await this.#read<UserEntry>(userKey(userId)))?.entry.before ?? 0;
  }

  /** Lets the heir of a session that a mark excepts be excepted too. */
  async passOn(from: SessionRecord, toId: string): Promise<void> {
    if (from.userId === null) return;
    const user = await this.#read<UserEntry>(userKey(from.userId));
    if (user === null || !user.entry.except.includes(from.id)) return;
    await this.#change<UserEntry>(userKey(from.userId), (entry) =>
      entry?.except.includes(from.id) ? { ...entry, except: [...entry.except, toId] } : entry,
    );
  }

  /** Removes entries that no session can need any more. */
  prune(): Promise<number> {
    return this.#store.deleteExpired(this.#now());
  }

  /** Resolves the family that the entry names. */
  async #endWithHeirs(id: string, family: string): Promise<string> {
    const written = await this.#change<IdEntry>(idKey(id), (entry) => ({
      heirs: true,
      family: entry?.family ?? family,
    }));
    return written?.family ?? family;
  }

  async #change<Entry>(key: string, next: (entry: Entry | null) => Entry | null): Promise<Entry | null> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await this.#read<Entry>(key);
      const entry = next(found?.entry ?? null);
      if (entry === null || entry === found?.entry) return entry;
      const isWritten =
        found === null
          ? await this.#create(key, entry)
          : await this.#store.replace(this.#row(key, entry, found.version + 1), found.version);
      if (isWritten) return entry;
    }
    throw new SessionError("session_conflict", "too many requests end sessions of one user at once");
  }

  async #create(key: string, entry: unknown): Promise<boolean> {
    try {
      await this.#store.create(this.#row(key, entry, 1));
      return true;
    } catch (error) {
      // Refused because it is there, or failed: only a look tells.
      if ((await this.#store.read(key)) === null) throw error;
      return false;
    }
  }

  async #read<Entry>(key: string): Promise<Found<Entry> | null> {
    const row = await this.#store.read(key);
    if (row === null || row.data === null) return null;
    try {
      const entry = JSON.parse(Buffer.from(row.data).toString("utf8")) as Entry;
      return { entry, version: row.version, writtenAt: row.lastSeenAt };
    } catch (cause) {
      throw new SessionError("store_corrupt", "an ended session's entry cannot be read", { cause });
    }
  }

  #row(key: string, entry: unknown, version: number): StoredSession {
    const now = this.#now();
    return {
      id: key,
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

function isBefore(record: SessionRecord, { before, except }: UserEntry): boolean {
  return (record.authenticatedAt ?? 0) < before && !except.includes(record.id);
}

function idKey(id: string): string {
  return `ended:${id}`;
}

function userKey(userId: string): string {
  return `user:${userId}`;
}
