import type { CookieFormat, CookieReader, OpenRequest, RejectRecord, SessionRecord } from "../codec.ts";
import { isTooLarge } from "../errors.ts";
import { emit } from "../events.ts";
import { publicId } from "../formats/public-id.ts";
import { type Cookie, NEAR_LIMIT_BYTES } from "../http/cookie.ts";
import type { LoadedSession, SessionHandle, SessionRules, SessionState } from "../state/session-state.ts";
import { type SessionBackend, unopened } from "./backend.ts";
import { type CookiePlan, entryOf, planBegin, planChange, withRandomId } from "./cookie-plan.ts";
import { type Known, type Standing, standingOf } from "./decision.ts";
import { type LocalMemory, localMemory } from "./revocations/local.ts";
import type { SessionEntry } from "./revocations/sessions.ts";

/** A session in an older format, and when the last cookie of it can end; milliseconds since 1970. */
export interface LegacySession {
  readonly record: SessionRecord;
  readonly until: number;
}

/** Finds the session in an older format; null where there is none. */
export type FindLegacySession = (
  request: OpenRequest,
  cookieName: string,
  reject: RejectRecord,
) => LegacySession | null;

/** What a backend of sealed cookies is made of. */
export interface CookieParts extends LocalMemory {
  readonly format: CookieFormat;
  readonly reader: CookieReader;
  readonly rules: SessionRules;
  readonly findLegacySession?: FindLegacySession;
}

/** The whole session is in the cookie. No I/O: opened at the first look, written synchronously. */
export function cookieBackend(parts: Omit<CookieParts, keyof LocalMemory>): SessionBackend {
  const all = { ...parts, ...localMemory() };
  return {
    open: (request, cookie) => new CookieHandle(all, request, cookie),
    list: onlyInStores,
    revoke: onlyInStores,
    revokeUser: onlyInStores,
    update: onlyInStores,
    count: onlyInStores,
    prune: async () => 0,
  };
}

export async function onlyInStores(): Promise<never> {
  throw new TypeError(
    "sealed cookies cannot do that; pass createSessions({ store }), or { revocations: store } to revoke",
  );
}

/** The session that a request's cookie names, and what the cookie is to it. */
export interface NamedSession extends LegacySession {
  readonly standing: Standing;
  /** Whether the browser has it in the own format. */
  readonly isOwn: boolean;
}

/** One request's cookie: read, and written. */
export class SealedCookie {
  readonly parts: CookieParts;
  readonly #request: OpenRequest;
  readonly #cookie: Cookie;
  /** How many writes there were in this process when the request came. */
  readonly #writesBefore: number;

  constructor(parts: CookieParts, request: OpenRequest, cookie: Cookie) {
    this.parts = parts;
    this.#request = request;
    this.#cookie = cookie;
    this.#writesBefore = parts.writes.count;
  }

  /**
   * The first session that opens, else the first that was superseded, else one that is over. `entryOf` tells what is known
   * of a session.
   */
  find(entryOf: (record: SessionRecord) => SessionEntry | null | undefined): NamedSession | null {
    const { reader, rules, findLegacySession } = this.parts;
    let named: NamedSession | null = null;
    const rejectIn =
      (isOwn: boolean): RejectRecord =>
      (record, since = 0) => {
        const entry = entryOf(record);
        const standing = entry && entry.changedAt >= since ? standingOf(record, entry, rules.now()) : "opens";
        if (standing === "opens") return null;
        if (named === null || (named.standing === "past" && standing === "superseded")) {
          named = { record, standing, isOwn, until: record.endsAt };
        }
        return "ended";
      };
    const own = reader.open(this.#request, this.#cookie.name, rejectIn(true));
    if (own !== null) return { record: own, standing: "opens", isOwn: true, until: own.endsAt };
    const old = findLegacySession?.(this.#request, this.#cookie.name, rejectIn(false)) ?? null;
    return old === null ? named : { ...old, standing: "opens", isOwn: false };
  }

  /** What the session that was found is to the request; `entry` is what is known of one that does not open. */
  loaded(named: NamedSession | null, entry: SessionEntry | null | undefined): LoadedSession {
    if (named === null) return { record: null };
    const { record, standing, isOwn } = named;
    if (standing !== "opens" && entry) return unopened(standing, record.id, entry, this.parts.rules.idAfter);
    return { record, renewalDue: !isOwn || this.parts.reader.isRenewalDue(record) };
  }

  /** Whether a request that changes nothing would take a change of another one back. */
  isOutrun(state: SessionState, id: string): boolean {
    return !state.isChanged && this.parts.writes.isWrittenSince(id, this.#writesBefore);
  }

  /** The lines for a finished record; null deletes the cookie, if the request came with one. */
  lines({ loaded, isChanged }: SessionState, record: SessionRecord | null): string[] {
    const { format, reader, writes } = this.parts;
    let value: string | null;
    try {
      value = record && format.seal(record, this.#cookie.name, this.#request);
    } catch (error) {
      // Nobody changed anything: a session that no longer fits is not renewed, and fails no request.
      if (isChanged || !isTooLarge(error)) throw error;
      return [];
    }
    if (!record || !value) return this.deletion().slice(loaded.record || loaded.named ? 0 : 1);
    if (isChanged) writes.note(record.id);
    emit("flagon:commit", () => {
      return { id: publicId(record), bytes: value.length, nearLimit: value.length >= NEAR_LIMIT_BYTES };
    });
    const maxAgeMs = record.permanent ? reader.expiresAt(record) - record.renewedAt : undefined;
    return [this.#cookie.serialize(value, maxAgeMs), ...this.#extraCookies(record)];
  }

  /** Throws what would be thrown at the commit: the cookie is too large, or the schema refuses the data. */
  check(state: SessionState): void {
    const record = state.isChanged ? state.result() : null;
    if (record !== null) this.parts.format.seal(record, this.#cookie.name, this.#request);
  }

  /** Deletes the cookie, and what its format has beside it. */
  deletion(): string[] {
    return [this.#cookie.serializeDeletion(), ...this.#extraCookies(null)];
  }

  #extraCookies(record: SessionRecord | null): readonly string[] {
    return this.parts.format.extraCookies?.(record, this.#request) ?? [];
  }
}

/** One request's session in a cookie, and what this process remembers of it. */
class CookieHandle implements SessionHandle {
  readonly #cookie: SealedCookie;
  #named: NamedSession | null = null;

  constructor(parts: CookieParts, request: OpenRequest, cookie: Cookie) {
    this.#cookie = new SealedCookie(parts, request, cookie);
  }

  load(): LoadedSession {
    const { entries } = this.#cookie.parts;
    this.#named = this.#cookie.find(({ id }) => entries.find(id));
    return this.#cookie.loaded(this.#named, this.#named && entries.find(this.#named.record.id));
  }

  save(state: SessionState): string[] {
    const named = this.#named;
    if (!state.isChanged && !state.loaded.renewalDue) return [];
    if (named === null || isAnothers(state)) return this.#cookie.lines(state, state.result());
    const { record: came, standing } = named;
    if (this.#cookie.isOutrun(state, came.id)) return [];
    const { entries } = this.#cookie.parts;
    const known: Known = { ...came, isOpened: standing === "opens" };
    const plan = planChange(state, known, came, entries.find(came.id) ?? null);
    // Sealed before anything ends: when the cookie is too large, the session stays as it was.
    const record = plan.begins && plan.record ? this.#beginning(state, plan.record) : plan.record;
    const lines = record === undefined ? [] : this.#cookie.lines(state, record);
    if (plan.entry) entries.set(came.id, plan.entry);
    if (plan.begins && record) entries.set(record.id, entryOf(record));
    tell(came, plan);
    return lines;
  }

  flush(state: SessionState): void {
    this.#cookie.check(state);
  }

  #beginning(state: SessionState, record: SessionRecord): SessionRecord {
    const there = this.#cookie.parts.entries.find(record.id) ?? null;
    return planBegin(state, record, there) ?? withRandomId(record);
  }
}

/** Whether the request stores something of its own, as any visitor without a session. */
export function isAnothers({ loaded, isEnded, isLogin }: SessionState): boolean {
  return loaded.record === null && !loaded.isSuperseded && !isEnded && !isLogin;
}

export function tell(came: SessionRecord, { entry, isConflict }: CookiePlan): void {
  const id = (): string => publicId(came);
  if (isConflict) emit("flagon:conflict", () => ({ id: id(), reason: "ended" }));
  if (entry) {
    const reason = entry.end === null ? "rotated" : "ended";
    emit("flagon:revoke", () => ({ id: id(), userId: came.userId, reason }));
  }
}
