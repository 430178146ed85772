import type { SessionRecord } from "../codec.ts";
import { BoundedMap } from "./bounded-map.ts";
import { type Change, Entries, type Found } from "./entries.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { CLOCK_SKEW_MS } from "./lifetime.ts";
import { endless, idsAfter, STEPS_MAX } from "./line.ts";
import { beforeNextTry } from "./tries.ts";
import { EXCEPT_MAX, isBefore, isUserMark, type UserMark, withExcepted } from "./user-mark.ts";

/** What is known of a session's id after its end. */
export interface IdEntry {
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
export type Ending = Pick<IdEntry, "how" | "next"> & { readonly at: number };

/** How many requests may be under way that have given their session a new id. */
const ANNOUNCED_MAX = 10_000;

/** The sessions that one has become, one after another. */
export type HeirsOf = (id: string) => Promise<readonly string[]>;

/**
 * Ended sessions, remembered in a store: by id, with or without heirs, and by user as "signed in before this moment". The
 * entries are rows like any other, under ids that no session has, and are kept for as long as a session may live.
 */
export class Revocations {
  readonly #ids: Entries<IdEntry>;
  readonly #marks: Entries<UserMark>;
  readonly #now: () => number;
  /** For each id that a request under way has given its session, the one that it came with. */
  readonly #announced: BoundedMap<string, string> = new BoundedMap(ANNOUNCED_MAX);

  constructor(store: GuardedStore, now: () => number, keepMs: number) {
    this.#ids = new Entries(store, now, keepMs, { prefix: "ended:", isEntry: isIdEntry });
    this.#marks = new Entries(store, now, keepMs, { prefix: "user:", isEntry: isUserMark });
    this.#now = now;
  }

  /**
   * How the session was ended: itself, as an heir, or with its user. Null for one that was not. Asks the store each time.
   */
  async ending(record: SessionRecord): Promise<Ending | null> {
    const [own, family, user] = await Promise.all([
      this.#ids.read(record.id),
      record.family === undefined ? null : this.#ids.read(record.family),
      record.userId === null ? null : this.#marks.read(record.userId),
    ]);
    const ownEnding = own === null ? null : { ...own.entry, at: own.row.lastSeenAt };
    if (ownEnding !== null && ownEnding.how !== "moved") return ownEnding;
    if (family?.entry.heirs === true) return { how: family.entry.how, at: family.row.lastSeenAt };
    if (user === null || !isBefore(record, user.entry)) return ownEnding;
    const isSpared = await this.#isSpared(record, null, user.entry, (id) => this.heirsOf(id));
    return isSpared ? ownEnding : { how: "revoked", at: user.row.lastSeenAt };
  }

  async endedAt(record: SessionRecord): Promise<number | null> {
    return (await this.ending(record))?.at ?? null;
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
    const entry: IdEntry = { how: "moved", heirs: false, family: record.family ?? record.id };
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
      const entry: IdEntry = {
        how: "ended",
        heirs: before?.heirs ?? false,
        family: before?.family ?? id,
        next: next.id,
        nextUser: next.userId,
        isHeir: false,
      };
      if (await this.#ids.put(id, entry, found)) return how === null && id !== record.id ? "live" : "over";
      await beforeNextTry(tries);
    }
  }

  /** Told when a request gives the session `from` this id, which is not stored before its commit. */
  announce(id: string, from: string): void {
    this.#announced.set(id, from);
  }

  /** All ids of the session to spare: `revokeUser(…, { except: session.id })` right after `session.rotate()` means both. */
  idsOf(except: string | undefined): string[] {
    if (except === undefined) return [];
    const from = this.#announced.get(except);
    return from === undefined ? [except] : [except, from];
  }

  /**
   * Ends every session of the user signed in until now, on servers whose clocks are a little ahead too, but for those
   * with the ids in `except`: those that one session has had, and is to have.
   */
  async endUser(userId: string, except: readonly string[]): Promise<void> {
    await this.#marks.change(userId, (mark) => ({
      before: Math.max(this.#now() + CLOCK_SKEW_MS, (mark?.before ?? 0) + 1),
      except: withExcepted(mark, except),
    }));
  }

  /**
   * Excepts the sessions that `from` has become where the mark excepts `from`. Whoever rotates a session looks after it has
   * said so, and whoever makes a mark looks for rotations after it is made: one of the two sees the other.
   */
  async except(userId: string, from: string, heirs: readonly string[]): Promise<void> {
    if (heirs.length === 0) return;
    await this.#marks.change(userId, (mark) => {
      const excepted = mark?.except.find(([id]) => id === from);
      const more = heirs.filter((heir) => !mark?.except.some(([id]) => id === heir));
      if (mark === null || excepted === undefined || more.length === 0) return mark;
      const all = [...mark.except, ...more.map((id) => [id, excepted[1]] as const)];
      return { ...mark, except: all.slice(-EXCEPT_MAX) };
    });
  }

  /** The moment from which a login of this user counts as one after the last mark; 0 without a mark. */
  async earliestLogin(userId: string): Promise<number> {
    return (await this.#marks.read(userId))?.entry.before ?? 0;
  }

  /**
   * Whether a session that just began is over already: with the family it descends from, or with its user. Where a mark
   * excepts the session `from` that it comes from, it is excepted from now on too. `heirsOf` tells what has become of one.
   */
  async isOver(record: SessionRecord, from: string | null, heirsOf: HeirsOf): Promise<boolean> {
    const family = record.family === undefined ? null : await this.#ids.read(record.family);
    if (family?.entry.heirs === true) return true;
    const mark = record.userId === null ? null : await this.#marks.read(record.userId);
    if (mark === null || (record.authenticatedAt ?? 0) >= mark.entry.before) return false;
    return !(await this.#isSpared(record, from, mark.entry, heirsOf));
  }

  /** Whether the mark, which is later than the session's sign-in, excepts it: itself, or one that it descends from. */
  async #isSpared(record: SessionRecord, from: string | null, mark: UserMark, heirsOf: HeirsOf): Promise<boolean> {
    const { id, userId, authenticatedAt } = record;
    const isBeforeAs = (each: string): boolean => isBefore({ id: each, authenticatedAt }, mark);
    const parent = from !== null && !isBeforeAs(from) ? from : null;
    if (parent === null && !isBefore(record, mark)) return true;
    for (const ancestor of parent === null ? mark.except.map(([each]) => each) : [parent]) {
      const heirs = parent === null ? await heirsOf(ancestor) : [id];
      if (isBeforeAs(ancestor) || !(heirs.includes(id) || heirs.includes(from ?? id))) continue;
      if (userId !== null) await this.except(userId, ancestor, [...heirs, id]);
      return true;
    }
    return false;
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
  ): Promise<Change<IdEntry>> {
    const end = (key: string): Promise<Change<IdEntry>> =>
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
    how: IdEntry["how"] | null;
    found: Found<IdEntry> | null;
  }> {
    let { id, userId: user } = record;
    let isHeir = true;
    let how: IdEntry["how"] | null = null;
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const found: Found<IdEntry> | null = await this.#ids.read(id);
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

function isIdEntry(value: unknown): value is IdEntry {
  const { how, family, next } = Object(value) as Record<string, unknown>;
  return typeof how === "string" && typeof family === "string" && (next === undefined || typeof next === "string");
}
