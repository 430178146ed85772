import type { OpenRequest, SessionRecord } from "../codec.ts";
import type { RejectReason } from "../errors.ts";
import { isTimeout } from "../errors.ts";
import { emit } from "../events.ts";
import { type IdCookie, isId, readIdCookie } from "../formats/id-cookie.ts";
import { openRow } from "../formats/row-data.ts";
import type { Cookie } from "../http/cookie.ts";
import { readCookies } from "../http/cookie-header.ts";
import type { SessionHandle } from "../state/session-state.ts";
import type { StoredSession } from "../store.ts";
import { KeyedQueue } from "../util/keyed-queue.ts";
import { failed, muted, noSession, type SessionBackend, type SessionInfo } from "./backend.ts";
import { ROTATION_GRACE_MS } from "./revocations/local.ts";
import { StoreHandle } from "./store/handle.ts";
import type { StoreContext, StoreParts } from "./store/parts.ts";
import { Succession } from "./store/succession.ts";
import { isLate, revoked } from "./store/tombstone.ts";

/** So many sessions of a user are ended at once. */
const BATCH = 20;

/** The cookie holds an id and its MAC; the session is a sealed row in a store. */
export class StoreBackend implements SessionBackend, StoreContext {
  readonly parts: StoreParts;
  readonly queue: KeyedQueue = new KeyedQueue();
  readonly line: Succession;

  constructor(parts: StoreParts) {
    this.parts = parts;
    this.line = new Succession(parts.store, parts.now);
  }

  open(request: OpenRequest, jar: Cookie): SessionHandle | Promise<SessionHandle> {
    const header = request.header("cookie") ?? "";
    const ids = readCookies(header, jar.name).map((value) => readIdCookie(value, jar.name, this.parts.keys));
    const good = ids.filter((id) => id !== null);
    if (good.length < ids.length) emit("flagon:reject", () => ({ reason: "forged" }));
    if (good.length === 0 && (header === "" || !this.isUpgrading())) return new StoreHandle(this, jar, noSession, null);
    return this.#load(request, jar, good).catch((error: unknown) => failed(error));
  }

  async list(userId: string | number, { current }: { readonly current?: string } = {}): Promise<SessionInfo[]> {
    const rows = await this.parts.store.list(String(userId));
    return rows.map(({ id, createdAt, lastSeenAt, expiresAt, device }) => {
      return { id, createdAt, lastSeenAt, expiresAt, device, isCurrent: id === current };
    });
  }

  async revoke(id: string): Promise<void> {
    if (!isId(id)) return;
    if (this.isUpgrading()) await this.parts.revocations.endId(id);
    await this.line.end(id, revoked);
    emit("flagon:revoke", () => ({ id, userId: null, reason: "revoked" }));
  }

  /**
   * The mark comes first: a session that is being created finds it, and gives up. Then the ones that are there end, one by
   * one rather than by `deleteByUser`: a request that is late has to find that its session was ended, and what has become
   * of the excepted one is no longer under its id.
   */
  async revokeUser(user: string | number, { except }: { readonly except?: string } = {}): Promise<void> {
    const { store, revocations } = this.parts;
    const userId = String(user);
    const kept = revocations.users.idsOf(except);
    const known = await Promise.all(kept.map((id) => this.line.heirsOf(id)));
    await revocations.users.end(userId, [...kept, ...known.flat()]);
    const ids = (await store.list(userId)).map(({ id }) => id);
    const spared = new Set(kept);
    for (const id of kept) {
      const heirs = ids.includes(id) ? [] : await this.line.heirsOf(id);
      await revocations.users.except(userId, id, heirs);
      for (const heir of heirs) spared.add(heir);
    }
    const over = ids.filter((id) => !spared.has(id));
    let failure: unknown = null;
    while (over.length > 0 && !isTimeout(failure)) {
      const ends = await Promise.allSettled(over.splice(0, BATCH).map((id) => this.line.end(id, revoked)));
      for (const end of ends) if (end.status === "rejected" && !isTimeout(failure)) failure = end.reason;
    }
    // Only now: one that cannot be ended keeps none of the others alive.
    if (failure !== null) throw failure;
    emit("flagon:revoke", () => ({ id: null, userId, reason: "revoked" }));
  }

  prune(): Promise<number> {
    return this.parts.store.deleteExpired(this.parts.now());
  }

  /** Whether some older format is still opened. */
  isUpgrading(): boolean {
    return this.parts.upgrades.some(({ until }) => until > this.parts.now());
  }

  /** What the row stands for now: null for nobody. */
  recordOf(row: StoredSession | null): SessionRecord | null {
    if (row === null || row.data === null) return null;
    const { keys, now, longestLifetimeMs } = this.parts;
    return openRow(row, keys, now(), longestLifetimeMs);
  }

  async #load(request: OpenRequest, jar: Cookie, ids: readonly IdCookie[]): Promise<SessionHandle> {
    const { store, opener, now } = this.parts;
    let late: StoredSession | null = null;
    for (const { id, outdated } of ids) {
      const row = await store.read(id);
      const record = this.recordOf(row);
      const reason = record === null ? rejection(row) : opener.limitOf(record);
      if (record !== null && reason === null) {
        const renewalDue = outdated || opener.isRenewalDue(record);
        return new StoreHandle(this, jar, { record, renewalDue }, row, { isCookieOutdated: outdated });
      }
      if (row !== null && isLate(row, now())) late ??= row;
      if (reason !== null) emit("flagon:reject", () => ({ reason }));
    }
    return (await this.#upgrade(request, jar)) ?? this.#late(jar, late);
  }

  #late(jar: Cookie, row: StoredSession | null): SessionHandle {
    return new StoreHandle(this, jar, row === null ? noSession : muted, row);
  }

  /** A session in an older format, unless it lives here already or is over. */
  async #upgrade(request: OpenRequest, jar: Cookie): Promise<SessionHandle | null> {
    const { upgrades, now, store, revocations, opener } = this.parts;
    for (const upgrade of upgrades) {
      const old = upgrade.open(request, jar.name, () => null);
      if (old === null) continue;
      const read = async (): Promise<StoredSession | null> => (upgrade.isForeign ? null : store.read(old.id));
      const found = await read();
      const ending = await revocations.ending(old);
      if (found === null && ending === null) {
        const loaded = { record: old, renewalDue: true, isTakenOver: upgrade.isForeign };
        return new StoreHandle(this, jar, loaded, null, { isMoving: !upgrade.isForeign });
      }
      // A parallel request may just have moved it here. One that was ended may still have a row for a moment.
      const row = found ?? (await read());
      const record = ending === null || ending.how === "moved" ? this.recordOf(row) : null;
      if (record !== null && opener.limitOf(record) === null) {
        return new StoreHandle(this, jar, { record, renewalDue: true }, row, { isMoving: true });
      }
      emit("flagon:reject", () => ({ reason: "ended" }));
      if (upgrade.isForeign && ending?.how === "ended" && now() - ending.at < ROTATION_GRACE_MS) {
        return new StoreHandle(this, jar, muted, null, { movedTo: ending.next });
      }
      return this.#late(jar, row !== null && isLate(row, now()) ? row : null);
    }
    return null;
  }
}

function rejection(row: StoredSession | null): RejectReason {
  if (row === null) return "unknown_id";
  return row.data === null ? "ended" : "unknown_key";
}
