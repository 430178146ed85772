import type { SessionRecord } from "../../codec.ts";
import { isId } from "../../formats/id-cookie.ts";
import { CLOCK_SKEW_MS } from "../../state/lifetime.ts";
import { BoundedMap } from "../../util/bounded-map.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { EntryTable, type StoredEntry } from "./entries.ts";

/** "Signed in before this moment": those sessions of a user are over, but for the exceptions. */
export interface NotBefore {
  /** Milliseconds since 1970. */
  readonly before: number;
  /**
   * Ids, each with the moment that the mark before this one drew for it: a session that an earlier mark ended stays so,
   * though a later one names it.
   */
  readonly except: readonly (readonly [id: string, floor: number])[];
}

/** The sessions that one has become, one after another. */
export type HeirsOf = (id: string) => Promise<readonly string[]>;

/** So many exceptions are kept, the latest: each rotation of an excepted session adds one, and the older ids are dead. */
const EXCEPT_MAX = 20;
/** How many requests may be under way that have given their session a new id. */
const ANNOUNCED_MAX = 10_000;

/** Which users were signed out everywhere, when, and which of their sessions were spared. */
export class UserRevocations {
  readonly #entries: EntryTable<NotBefore>;
  readonly #now: () => number;
  /** For each id that a request under way has given its session, the one that it came with, and its family. */
  readonly #announced: BoundedMap<string, readonly string[]> = new BoundedMap(ANNOUNCED_MAX);

  constructor(store: GuardedStore, now: () => number, keepMs: number) {
    this.#entries = new EntryTable(store, now, keepMs, { prefix: "user:", isEntry: isUserMark });
    this.#now = now;
  }

  /** Told when a request gives the session `from` this id, which is not stored before its commit. */
  announce(id: string, from: string, family: string = from): void {
    this.#announced.set(id, [from, family]);
  }

  /** All ids of the session to spare: `revokeUser(…, { except: session.id })` right after `session.rotate()` means both. */
  idsOf(except: string | undefined): string[] {
    if (!isId(except)) return [];
    return [...new Set([except, ...(this.#announced.get(except) ?? [])])];
  }

  /** The user's last mark; null for nobody, and for one who was never signed out everywhere. */
  async find(userId: string | null): Promise<StoredEntry<NotBefore> | null> {
    return userId === null ? null : this.#entries.read(userId);
  }

  /** Has a sign-in that is about to be stored count as one after the user's last mark. */
  async stamp(record: SessionRecord): Promise<void> {
    const mark = await this.find(record.userId);
    if (mark !== null) record.authenticatedAt = Math.max(record.authenticatedAt ?? 0, mark.entry.before);
  }

  /**
   * Ends every session of the user signed in until now, on servers whose clocks are a little ahead too, but for those
   * with the ids in `except`: those that one session has had, and is to have.
   */
  async end(userId: string, except: readonly string[]): Promise<void> {
    await this.#entries.change(userId, (last) => ({
      before: Math.max(this.#now() + CLOCK_SKEW_MS, (last?.before ?? 0) + 1),
      except: exceptionsAfter(last, except),
    }));
  }

  /**
   * Excepts the sessions that `from` has become where the mark excepts `from`. Whoever rotates a session looks after it has
   * said so, and whoever makes a mark looks for rotations after it is made: one of the two sees the other.
   */
  async except(userId: string | null, from: string, heirs: readonly string[]): Promise<void> {
    if (userId === null || heirs.length === 0) return;
    await this.#entries.change(userId, (mark) => {
      const excepted = mark?.except.find(([id]) => id === from);
      const more = heirs.filter((heir) => !mark?.except.some(([id]) => id === heir));
      if (mark === null || excepted === undefined || more.length === 0) return mark;
      const all = [...mark.except, ...more.map((id) => [id, excepted[1]] as const)];
      return { ...mark, except: all.slice(-EXCEPT_MAX) };
    });
  }

  /**
   * Whether the user's mark leaves the session alone: because the sign-in came later, or because it is excepted, itself,
   * by its family, or as what an excepted one has become. It may be about to take the place of `from`.
   */
  async isSpared(
    record: SessionRecord,
    mark: NotBefore,
    heirsOf: HeirsOf,
    from: string | null = null,
  ): Promise<boolean> {
    const { id, family, userId, authenticatedAt } = record;
    const at = authenticatedAt ?? 0;
    if (at >= mark.before) return true;
    const good = mark.except.filter(([, floor]) => at >= floor).map(([each]) => each);
    if (from !== null && good.includes(from)) {
      await this.except(userId, from, [id]);
      return true;
    }
    if (good.includes(id) || (family !== undefined && good.includes(family))) return true;
    for (const each of good) {
      const heirs = await heirsOf(each);
      if (!heirs.includes(id) && !heirs.includes(from ?? id)) continue;
      await this.except(userId, each, [...heirs, id]);
      return true;
    }
    return false;
  }
}

function isUserMark(value: unknown): value is NotBefore {
  const { before, except } = Object(value) as Record<string, unknown>;
  const isException = (each: unknown): boolean => Array.isArray(each) && Number.isFinite(each[1]);
  return Number.isFinite(before) && Array.isArray(except) && except.every(isException);
}

/** The exceptions of a mark that follows `last`: `ids` are one session's, the one it has and the one it is to have. */
function exceptionsAfter(last: NotBefore | null, ids: readonly string[]): NotBefore["except"] {
  const known = (last?.except ?? []).filter(([id]) => ids.includes(id)).map(([, floor]) => floor);
  const floor = known.length > 0 ? Math.min(...known) : (last?.before ?? 0);
  return [...new Set(ids)].map((id) => [id, floor] as const);
}
