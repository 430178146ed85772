import type { SessionRecord } from "../../codec.ts";
import { backoff } from "../../util/retry.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { endless, idsAfter, STEPS_MAX } from "../succession.ts";
import { type Change, EntryTable, type StoredEntry } from "./entries.ts";
import { type HeirsOf, UserRevocations } from "./users.ts";

/** What is known of a session's id after its end. */
export interface SessionEnd {
  /**
   * "ended": by its own browser, which was told of it. "revoked": from elsewhere, so that the browser still has the cookie.
   * "moved": the session lives in a store now, and its sealed cookie is spent.
   */
  readonly how: "ended" | "revoked" | "moved";
  /** Whether every session that descends from this one is over too. */
  readonly heirs: boolean;
  readonly family: string;
  /** The session that began in its place, who is signed in there, and whether it is this one under a new id. */
  readonly next?: string;
  readonly nextUser?: string | null;
  readonly isHeir?: boolean;
}

/** When and how a session ended, in milliseconds since 1970. */
export type IdChange = Pick<SessionEnd, "how" | "next"> & { readonly at: number };

/**
 * Ended sessions, remembered in a store: by id, with or without heirs, and by user as "signed in before this moment". The
 * entries are rows like any other, under ids that no session has, and are kept for as long as a session may live.
 */
export class Revocations {
  readonly #ids: EntryTable<SessionEnd>;
  /** Who was signed out everywhere. */
  readonly users: UserRevocations;

  constructor(store: GuardedStore, now: () => number, keepMs: number) {
    this.#ids = new EntryTable(store, now, keepMs, { prefix: "ended:", isEntry: isIdEntry });
    this.users = new UserRevocations(store, now, keepMs);
  }

  /**
   * How the session was ended: itself, as an heir, or with its user. Null for one that was not. Asks the store each time.
   */
  async ending(record: SessionRecord): Promise<IdChange | null> {
    const [own, family, user] = await Promise.all([
      this.#ids.read(record.id),
      record.family === undefined ? null : this.#ids.read(record.family),
      this.users.find(record.userId),
    ]);
    const ownEnding = own === null ? null : { ...own.entry, at: own.row.lastSeenAt };
    if (ownEnding !== null && ownEnding.how !== "moved") return ownEnding;
    if (family?.entry.heirs === true) return { how: family.entry.how, at: family.row.lastSeenAt };
    if (user === null || (await this.users.isSpared(record, user.entry, (id) => this.heirsOf(id)))) return ownEnding;
    return { how: "revoked", at: user.row.lastSeenAt };
  }

  /**
   * Ends one id because `next` takes its place. False when it was ended before: of two that rotate a session, one wins.
   */
  async retire(record: SessionRecord, next: SessionRecord): Promise<boolean> {
    const family = record.family ?? record.id;
    const isHeir = next.family !== undefined;
    const { userId: nextUser } = next;
    return this.#ids.create(record.id, {
      how: "ended",
      heirs: false,
      family,
      next: next.id,
      nextUser,
      isHeir,
    });
  }

  /** Whether the sealed form of a session that lives in the store now is spent, and nothing else ended it. */
  async spend(record: SessionRecord): Promise<boolean> {
    const entry: SessionEnd = { how: "moved", heirs: false, family: record.family ?? record.id };
    const { after } = await this.#ids.change(record.id, (before) => before ?? entry);
    return after?.how === "moved";
  }

  /**
   * Ends a session and all that descend from the one it came from. Resolves whether this was its end: of two sign-outs,
   * one wins. `nextId` is the session that begins after it, if one does.
   */
  async end(record: SessionRecord, nextId: string | null): Promise<boolean> {
    const { before } = await this.#endFamily(record.id, record.family ?? record.id, "ended", nextId);
    return before === null || (before.how === "revoked" && before.next === undefined);
  }

  /** Ends the session with this id from elsewhere; when it was rotated meanwhile, its heirs. */
  async endId(id: string): Promise<void> {
    await this.#endFamily(id, id, "revoked", null);
  }

  /**
   * A sign-in with a session that is over takes the place of whatever that has become, so that of two sign-ins one
   * session is left. Resolves whether the session lived on until now; null when the sign-in may not: somebody else is
   * signed in there, or, unless `afterEnd`, the session was signed out.
   */
  async takeOver(record: SessionRecord, next: SessionRecord, afterEnd: boolean): Promise<"live" | "over" | null> {
    for (let tries = 1; ; tries++) {
      const { id, user, isHeir, how, found } = await this.#lastOf(record);
      if (!(isHeir || user === null || user === next.userId)) return null;
      if (how === "ended" && !afterEnd) return null;
      const before = found?.entry;
      const entry: SessionEnd = {
        how: "ended",
        heirs: before?.heirs ?? false,
        family: before?.family ?? id,
        next: next.id,
        nextUser: next.userId,
        isHeir: false,
      };
      if (await this.#ids.put(id, entry, found)) return how === null && id !== record.id ? "live" : "over";
      await backoff(tries);
    }
  }

  /**
   * Whether a session that just began is over already: with the family it descends from, or with its user. Where a mark
   * excepts the session `from` that it comes from, it is excepted from now on too. `heirsOf` tells what has become of one.
   */
  async isOver(record: SessionRecord, from: string | null, heirsOf: HeirsOf): Promise<boolean> {
    const family = record.family === undefined ? null : await this.#ids.read(record.family);
    if (family?.entry.heirs === true) return true;
    const mark = await this.users.find(record.userId);
    return mark !== null && !(await this.users.isSpared(record, mark.entry, heirsOf, from));
  }

  /** Removes entries that no session can need any more. */
  prune(): Promise<number> {
    return this.#ids.prune();
  }

  async #endFamily(
    id: string,
    family: string,
    how: "ended" | "revoked",
    nextId: string | null,
  ): Promise<Change<SessionEnd>> {
    const end = (key: string): Promise<Change<SessionEnd>> =>
      this.#ids.change(key, (before) => {
        if (before?.heirs && before.how !== "revoked") return before;
        // What came after stays named: who follows later has to find the same end of the line.
        const next = nextId === null || key !== id ? {} : { next: nextId, nextUser: null, isHeir: false };
        return { ...next, ...before, how, heirs: true, family: before?.family ?? family };
      });
    const change = await end(id);
    const root = change.after?.family ?? family;
    if (root !== id) await end(root);
    return change;
  }

  /** Follows a session to what it has become, and tells how that ended; null when it did not. */
  async #lastOf(record: SessionRecord): Promise<{
    id: string;
    user: string | null;
    isHeir: boolean;
    how: SessionEnd["how"] | null;
    found: StoredEntry<SessionEnd> | null;
  }> {
    let { id, userId: user } = record;
    let isHeir = true;
    let how: SessionEnd["how"] | null = null;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const found: StoredEntry<SessionEnd> | null = await this.#ids.read(id);
      const entry = found?.entry;
      if (entry?.next === undefined) return { id, user, isHeir, how: entry?.how ?? how, found };
      isHeir &&= entry.isHeir === true;
      // Heirs are over with the one they descend from, and have no entries of their own for it.
      if (entry.isHeir !== true) how = null;
      else if (entry.heirs) how = entry.how;
      id = entry.next;
      user = entry.nextUser ?? null;
    }
    throw endless();
  }

  /** What the session with this id has become, one after another. */
  heirsOf(id: string): Promise<string[]> {
    return idsAfter(id, async (each) => (await this.#ids.read(each))?.entry.next ?? null);
  }
}

function isIdEntry(value: unknown): value is SessionEnd {
  const { how, family, next } = Object(value) as Record<string, unknown>;
  return typeof how === "string" && typeof family === "string" && (next === undefined || typeof next === "string");
}
