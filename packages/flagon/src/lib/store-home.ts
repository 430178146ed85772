import type { OpenRequest, RejectReason, SessionRecord } from "../codec.ts";
import type { StoredSession } from "../store.ts";
import { type CookieJar, readCookies } from "./cookie.ts";
import { LATE_MS } from "./ended.ts";
import { emit } from "./events.ts";
import type { GuardedStore } from "./guarded-store.ts";
import { failed, type Home, type Loaded, muted, nobody, type Stay } from "./home.ts";
import { type IdCookie, readIdCookie } from "./id-cookie.ts";
import type { KeyRing } from "./keys.ts";
import type { CookieOpener, Upgrade } from "./opening.ts";
import { KeyedQueue } from "./queue.ts";
import type { Revocations } from "./revocations.ts";
import { openRow } from "./row.ts";
import { StoreStay } from "./store-stay.ts";

/** What a store's home is made of. */
export interface StoreParts {
  readonly store: GuardedStore;
  readonly keys: KeyRing;
  /** For its clocks: the limits are the same wherever a session lives. */
  readonly opener: CookieOpener;
  readonly upgrades: readonly Upgrade[];
  readonly revocations: Revocations;
  readonly now: () => number;
  readonly longestLifetimeMs: number;
}

/** The cookie holds an id and its MAC; the session is a sealed row in a store. */
export class StoreHome implements Home {
  readonly parts: StoreParts;
  /** One commit at a time for each session in this process; the store settles what other processes do. */
  readonly queue: KeyedQueue = new KeyedQueue();

  constructor(parts: StoreParts) {
    this.parts = parts;
  }

  open(request: OpenRequest, jar: CookieJar): Stay | Promise<Stay> {
    const header = request.header("cookie") ?? "";
    const ids = readCookies(header, jar.name).map((value) => readIdCookie(value, jar.name, this.parts.keys));
    const good = ids.filter((id) => id !== null);
    if (good.length < ids.length) emit("flagon:reject", () => ({ reason: "forged" }));
    const isUpgrading = header !== "" && this.upgradesUntil() > 0;
    if (good.length === 0 && !isUpgrading) return new StoreStay(this, jar, nobody, null);
    return this.#load(request, jar, good).catch((error: unknown) => failed(error));
  }

  async list(userId: string): Promise<StoredSession[]> {
    return this.parts.store.list(userId);
  }

  async revoke(id: string): Promise<void> {
    const { store, revocations } = this.parts;
    if (this.upgradesUntil() > 0) await revocations.endId(id);
    await store.delete(id);
    emit("flagon:revoke", () => ({ id, userId: null, reason: "revoked" }));
  }

  /** The mark comes first: a login or rotation that is between its two writes finds it, and gives up. */
  async revokeUser(userId: string, except: string | undefined): Promise<void> {
    await this.parts.revocations.endUser(userId, except);
    await this.parts.store.deleteByUser(userId, except);
    emit("flagon:revoke", () => ({ id: null, userId, reason: "revoked" }));
  }

  prune(): Promise<number> {
    return this.parts.store.deleteExpired(this.parts.now());
  }

  /** Until when some older format is still opened, in milliseconds; 0 when none is any more. */
  upgradesUntil(): number {
    const until = this.parts.upgrades.reduce((latest, upgrade) => Math.max(latest, upgrade.until), 0);
    return until > this.parts.now() ? until : 0;
  }

  /** What the row stands for now: null for nobody. */
  recordOf(row: StoredSession | null): SessionRecord | null {
    if (row === null || row.data === null) return null;
    const { keys, now, longestLifetimeMs } = this.parts;
    return openRow(row, keys, now(), longestLifetimeMs);
  }

  async #load(request: OpenRequest, jar: CookieJar, ids: readonly IdCookie[]): Promise<Stay> {
    let isLate = false;
    for (const { id, outdated } of ids) {
      const row = await this.parts.store.read(id);
      const record = this.recordOf(row);
      const reason = record === null ? rejection(row) : this.parts.opener.limitOf(record);
      if (record !== null && reason === null) {
        const renewalDue = outdated || this.parts.opener.isRenewalDue(record);
        return new StoreStay(this, jar, { record, muted: false, renewalDue }, row, outdated);
      }
      isLate ||= row !== null && row.data === null && this.parts.now() - row.lastSeenAt < LATE_MS;
      if (reason !== null) emit("flagon:reject", () => ({ reason }));
    }
    return (await this.#upgrade(request, jar)) ?? new StoreStay(this, jar, isLate ? muted : nobody, null);
  }

  /** A session in an older format, unless it lives here already or was ended. */
  async #upgrade(request: OpenRequest, jar: CookieJar): Promise<Stay | null> {
    const { upgrades, now, store, revocations, opener } = this.parts;
    for (const upgrade of upgrades) {
      const old = upgrade.until > now() ? upgrade.open(request, jar.name, () => null) : null;
      if (old === null) continue;
      const row = upgrade.isForeign ? null : await store.read(old.id);
      const moved = this.recordOf(row);
      if (moved !== null && opener.limitOf(moved) === null) {
        return new StoreStay(this, jar, { record: moved, muted: false, renewalDue: true }, row, true);
      }
      const endedAt = row === null ? await revocations.endedAt(old) : row.lastSeenAt;
      if (endedAt !== null) {
        emit("flagon:reject", () => ({ reason: "ended" }));
        return new StoreStay(this, jar, now() - endedAt < LATE_MS ? muted : nobody, null);
      }
      const loaded: Loaded = { record: old, muted: false, renewalDue: true, isTakenOver: upgrade.isForeign };
      return new StoreStay(this, jar, loaded, null);
    }
    return null;
  }
}

function rejection(row: StoredSession | null): RejectReason {
  if (row === null) return "unknown_id";
  return row.data === null ? "ended" : "unknown_key";
}
