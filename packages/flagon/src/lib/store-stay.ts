import type { SessionRecord } from "../codec.ts";
import { SessionError } from "../errors.ts";
import type { StoredSession } from "../store.ts";
import type { CookieJar } from "./cookie.ts";
import { deviceOf } from "./device.ts";
import { LATE_MS } from "./ended.ts";
import { emit } from "./events.ts";
import type { Loaded, Stay } from "./home.ts";
import { writeIdCookie } from "./id-cookie.ts";
import { sealRow } from "./row.ts";
import type { StoreHome } from "./store-home.ts";
import type { Visit } from "./visit.ts";

/** How often a commit lays its changes over newer data before it gives up: each try loses only to one that won. */
const TRIES_MAX = 30;
/** The longest wait between two tries, in milliseconds. */
const WAIT_MS_MAX = 50;

/** A record and the row it was read from; no row yet for a session that is being taken over. */
interface Ground {
  readonly record: SessionRecord;
  readonly row: StoredSession | null;
}

/** One request's session in a store. */
export class StoreStay implements Stay {
  readonly #home: StoreHome;
  readonly #jar: CookieJar;
  readonly #loaded: Loaded;
  readonly #row: StoredSession | null;
  readonly #isCookieOutdated: boolean;

  constructor(home: StoreHome, jar: CookieJar, loaded: Loaded, row: StoredSession | null, isCookieOutdated = false) {
    this.#home = home;
    this.#jar = jar;
    this.#loaded = loaded;
    this.#row = row;
    this.#isCookieOutdated = isCookieOutdated;
  }

  load(): Loaded {
    return this.#loaded;
  }

  save(visit: Visit): string[] | Promise<string[]> {
    const { record: opened, muted, renewalDue } = visit.loaded;
    if (!visit.isChanged && !renewalDue) return [];
    if (muted) return dropped(visit);
    if (opened === null) return this.#begin(visit, visit.result(null), null);
    return this.#home.queue.run(opened.id, () => this.#change(visit, opened));
  }

  /** Lays the changes over what is stored, again and again until nobody was faster. */
  async #change(visit: Visit, opened: SessionRecord): Promise<string[]> {
    if (!visit.isChanged && this.#row !== null && !opened.outdated) return this.#touch(opened);
    let ground: Ground = { record: opened, row: this.#row };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const lines = visit.ending === null ? await this.#write(visit, ground) : await this.#replaceId(visit, ground);
      if (lines !== null) return lines;
      const newer = await this.#readAgain(opened.id);
      if (newer === null) return visit.ending === "ended" ? this.#endHeirs(opened) : dropped(visit);
      const keys = visit.draft.contested(newer.record);
      if (keys.length > 0) emit("flagon:conflict", () => ({ id: opened.id, reason: "same_key", keys }));
      ground = newer;
      if (tries > 0) await jitter(tries);
    }
    throw new SessionError(
      "session_conflict",
      `the session was changed by ${TRIES_MAX} other requests while this one saved it`,
    );
  }

  async #readAgain(id: string): Promise<Ground | null> {
    const row = await this.#home.parts.store.read(id);
    const record = this.#home.recordOf(row);
    return record === null ? null : { record, row };
  }

  /** Only the clocks move: nothing is sealed anew. */
  async #touch(opened: SessionRecord): Promise<string[]> {
    const { store, now } = this.#home.parts;
    const record = { ...opened, renewedAt: now() };
    await store.touch(opened.id, { expiresAt: this.#expiresAt(record), lastSeenAt: record.renewedAt });
    return record.permanent || this.#isCookieOutdated ? [this.#cookie(record)] : [];
  }

  /** Null when another request got there first. */
  async #write(visit: Visit, ground: Ground): Promise<string[] | null> {
    const record = visit.result(ground.record) ?? ground.record;
    const row = this.#rowOf(visit, record, ground.row);
    if (!(await this.#put(row, ground.row))) return null;
    emit("flagon:commit", () => ({ id: record.id, bytes: row.data?.length ?? 0, nearLimit: false }));
    const { renewalDue } = visit.loaded;
    const isKnown = ground.row !== null && !this.#isCookieOutdated && record.permanent === ground.record.permanent;
    return isKnown && !(record.permanent && renewalDue) ? [] : [this.#cookie(record)];
  }

  /** Ends the id, and only if this request is the one that ended it may the next one begin. */
  async #replaceId(visit: Visit, ground: Ground): Promise<string[] | null> {
    const { record: old, row } = ground;
    const { revocations } = this.#home.parts;
    if (visit.loaded.isTakenOver) {
      if (!(await revocations.retire(old))) return null;
    } else if (!(await this.#put(this.#tombstone(old, row), row))) {
      return null;
    }
    const reason = visit.ending ?? "ended";
    emit("flagon:revoke", () => ({ id: old.id, userId: old.userId, reason }));
    return this.#begin(visit, visit.result(old), ground);
  }

  /** Creates the row of a session that begins, and makes sure that nobody ended it on the way. */
  async #begin(visit: Visit, record: SessionRecord | null, from: Ground | null): Promise<string[]> {
    if (record === null) return from === null ? [] : [this.#jar.erase()];
    const { store, revocations } = this.#home.parts;
    if (visit.isLogin && record.userId !== null) {
      const earliest = await revocations.earliestLogin(record.userId);
      record.authenticatedAt = Math.max(record.authenticatedAt ?? 0, earliest);
    } else if (from !== null) {
      await revocations.passOn(from.record, record.id);
    }
    const row = this.#rowOf(visit, record, from?.row ?? null, 1);
    await store.create(row);
    const mayBeEnded = record.family !== undefined || record.userId !== null;
    if (mayBeEnded && (await revocations.endedAt(record)) !== null) {
      await store.delete(record.id);
      return dropped(visit);
    }
    emit("flagon:commit", () => ({ id: record.id, bytes: row.data?.length ?? 0, nearLimit: false }));
    return [this.#cookie(record)];
  }

  /** A sign-out that found its session rotated meanwhile ends the heir: that is the session the person meant. */
  async #endHeirs(opened: SessionRecord): Promise<string[]> {
    const { store, revocations } = this.#home.parts;
    await revocations.end(opened);
    const family = opened.family ?? opened.id;
    const rows = opened.userId === null ? [] : await store.list(opened.userId);
    for (const row of rows) if (this.#home.recordOf(row)?.family === family) await store.delete(row.id);
    return [this.#jar.erase()];
  }

  async #put(row: StoredSession, before: StoredSession | null): Promise<boolean> {
    const { store } = this.#home.parts;
    if (before !== null) return store.replace(row, before.version);
    try {
      await store.create(row);
      return true;
    } catch (error) {
      // Refused because a parallel request took the session over first, or failed: only a look tells.
      if ((await store.read(row.id)) === null) throw error;
      return false;
    }
  }

  #rowOf(
    visit: Visit,
    record: SessionRecord,
    before: StoredSession | null,
    version = (before?.version ?? 0) + 1,
  ): StoredSession {
    const { keys, now } = this.#home.parts;
    return {
      id: record.id,
      version,
      userId: record.userId,
      device: record.userId === null ? null : deviceFor(visit, before),
      createdAt: record.createdAt ?? record.renewedAt,
      lastSeenAt: record.renewedAt,
      expiresAt: this.#expiresAt(record),
      data: sealRow(record, keys, now()),
    };
  }

  /** No data and no user: who still holds the old cookie learns nothing, and stores nothing. */
  #tombstone(old: SessionRecord, row: StoredSession | null): StoredSession {
    const now = this.#home.parts.now();
    return {
      id: old.id,
      version: (row?.version ?? 0) + 1,
      userId: null,
      device: null,
      createdAt: row?.createdAt ?? now,
      lastSeenAt: now,
      expiresAt: Math.max(now + LATE_MS, this.#home.upgradesUntil()),
      data: null,
    };
  }

  #cookie(record: SessionRecord): string {
    const value = writeIdCookie(record.id, this.#jar.name, this.#home.parts.keys);
    return this.#jar.write(value, record.permanent ? this.#expiresAt(record) - record.renewedAt : undefined);
  }

  #expiresAt(record: SessionRecord): number {
    return this.#home.parts.opener.expiresAt(record);
  }
}

function deviceFor(visit: Visit, before: StoredSession | null): string | null {
  if (!visit.isLogin) return before?.device ?? null;
  return visit.device ?? deviceOf(visit.request.header("user-agent"));
}

function dropped(visit: Visit): string[] {
  emit("flagon:conflict", () => ({ id: visit.loaded.record?.id ?? visit.record.id, reason: "ended" }));
  return [];
}

function jitter(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** tries, WAIT_MS_MAX)));
}
