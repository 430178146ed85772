import type { OpenRequest, SessionRecord } from "../../codec.ts";
import { entryOf } from "../cookie-plan.ts";
import { standingOf } from "../decision.ts";
import type { EntryTable } from "../revocations/entries.ts";
import type { SessionEntry } from "../revocations/sessions.ts";
import type { UserRevocations } from "../revocations/users.ts";
import type { LegacyFormat } from "../upgrade.ts";

/**
 * Sessions that come in a cookie of an older format. From its first write on such a session has a row, and an entry beside
 * it, which lasts until the format's date: when the row is gone, an old cookie opens nothing.
 */
export class LegacySessions {
  readonly #formats: readonly LegacyFormat[];
  readonly #entries: EntryTable<SessionEntry>;
  readonly #users: UserRevocations;
  readonly #now: () => number;

  constructor(
    formats: readonly LegacyFormat[],
    entries: EntryTable<SessionEntry>,
    users: UserRevocations,
    now: () => number,
  ) {
    this.#formats = formats;
    this.#entries = entries;
    this.#users = users;
    this.#now = now;
  }

  /** Until when one of the formats is opened, in milliseconds since 1970; 0 when none is any more. */
  get until(): number {
    const active = this.#formats.filter(({ until }) => until > this.#now());
    return Math.max(0, ...active.map(({ until }) => until));
  }

  /** What the request's older cookies hold, whatever has become of it; a format is looked at when its turn comes. */
  *find(request: OpenRequest, cookieName: string): Generator<SessionRecord, void> {
    for (const format of this.#formats) {
      const record = format.open(request, cookieName, () => null);
      if (record !== null) yield record;
    }
  }

  /**
   * What is known of a session besides its row; null where nothing is. Whoever asks looks for the row afterwards: a session
   * that moves has its row before its entry.
   */
  async known(record: SessionRecord): Promise<SessionEntry | null> {
    const [stored, isOver] = await Promise.all([this.#entries.read(record.id), this.#users.find(record.userId)]);
    const entry = stored?.entry ?? null;
    // Flask tells when its cookie was written: whoever is in it had signed in by then.
    const isEndedWithUser = isOver?.({ ...record, createdAt: record.renewedAt }) ?? false;
    return isEndedWithUser ? { ...entryOf(record), end: "revoked" } : entry;
  }

  /** For a session whose row was just written: false when it was ended while the request was under way. */
  async moveIn(record: SessionRecord): Promise<boolean> {
    const known = await this.known(record);
    if (known?.isMoved) return true;
    if (known !== null && standingOf(record, known, this.#now()) !== "opens") return false;
    const entry: SessionEntry = { ...entryOf(record), isMoved: true, end: "revoked", changedAt: this.#now() };
    await this.#entries.change(record.id, this.until, (found) => (found?.isMoved ? null : entry));
    return true;
  }

  /** As `Sessions.revoke`, for a session of this user that has no row: whose it is, only its cookie says, and there a mark waits for it. */
  revoke(id: string, userId: string): Promise<boolean> {
    return this.#users.revoke(userId, id, this.until);
  }
}
