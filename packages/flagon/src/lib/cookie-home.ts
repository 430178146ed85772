import type { OpenRequest, RejectReason, SessionRecord } from "../codec.ts";
import type { CookieJar } from "./cookie.ts";
import { EndedIds, LATE_MS } from "./ended.ts";
import { emit } from "./events.ts";
import { type Home, type Loaded, muted, nobody, type Stay } from "./home.ts";
import type { CookieOpener, Upgrade } from "./opening.ts";
import type { Visit } from "./visit.ts";

/** From here on a proxy with a limit of 4 KB for the header line may refuse the cookie. */
const NEAR_LIMIT_BYTES = 3_500;

/** The whole session is in the cookie. No I/O: opened at the first look, written synchronously. */
export class CookieHome implements Home {
  readonly opener: CookieOpener;
  readonly upgrades: readonly Upgrade[];
  readonly now: () => number;
  readonly ended: EndedIds = new EndedIds();

  constructor(opener: CookieOpener, upgrades: readonly Upgrade[], now: () => number) {
    this.opener = opener;
    this.upgrades = upgrades;
    this.now = now;
  }

  open(request: OpenRequest, jar: CookieJar): CookieStay {
    return new CookieStay(this, request, jar);
  }

  list(): never {
    throw new TypeError(
      "sealed cookies are known to their browsers alone; to list sessions pass createSessions({ store })",
    );
  }

  revoke(): never {
    throw new TypeError("sealed cookies cannot be revoked; pass createSessions({ revocations: store }), or a store");
  }

  revokeUser(): never {
    return this.revoke();
  }

  prune(): Promise<number> {
    return Promise.resolve(0);
  }
}

/** One request's session in a cookie. */
export class CookieStay implements Stay {
  readonly #home: CookieHome;
  readonly #request: OpenRequest;
  readonly #jar: CookieJar;

  constructor(home: CookieHome, request: OpenRequest, jar: CookieJar) {
    this.#home = home;
    this.#request = request;
    this.#jar = jar;
  }

  load(): Loaded {
    const { opener, upgrades, ended, now } = this.#home;
    let isLate = false;
    const refuse = (record: SessionRecord): RejectReason | null => {
      const endedAt = ended.endedAt(record);
      if (endedAt === null) return null;
      isLate ||= now() - endedAt < LATE_MS;
      return "ended";
    };
    const record = opener.open(this.#request, this.#jar.name, refuse);
    if (record !== null) return { record, muted: false, renewalDue: opener.isRenewalDue(record) };
    for (const upgrade of upgrades) {
      const old = upgrade.until > now() ? upgrade.open(this.#request, this.#jar.name, refuse) : null;
      if (old !== null) return { record: old, muted: false, renewalDue: true };
    }
    return isLate ? muted : nobody;
  }

  save(visit: Visit): string[] {
    if (!visit.isChanged && !visit.loaded.renewalDue) return [];
    if (this.isOver(visit)) return this.drop(visit);
    // Sealed before the old id ends: when the cookie is too large the session stays as it was.
    const lines = this.write(visit);
    this.end(visit);
    return lines;
  }

  /** Whether what this request stores comes too late: its session was ended while it ran, or just before. */
  isOver(visit: Visit): boolean {
    const { record, muted: isMuted } = visit.loaded;
    return isMuted || (record !== null && this.#home.ended.endedAt(record) !== null);
  }

  drop(visit: Visit): string[] {
    const { record } = visit.loaded;
    // A sign-out that comes after a rotation means the heir.
    if (record !== null && visit.ending === "ended") this.#home.ended.end(record, this.#home.now());
    emit("flagon:conflict", () => ({ id: record?.id ?? visit.record.id, reason: "ended" }));
    return [];
  }

  /** Ends the opened session in this process, if this visit is its end. */
  end(visit: Visit): void {
    const { loaded, ending: reason } = visit;
    const { record } = loaded;
    if (record === null || reason === null) return;
    const { ended, now } = this.#home;
    if (reason === "ended") ended.end(record, now());
    else ended.retire(record, now());
    emit("flagon:revoke", () => ({ id: record.id, userId: record.userId, reason }));
  }

  /** Seals what there is to keep. */
  write(visit: Visit): string[] {
    return this.#lines(visit, visit.result(visit.loaded.record));
  }

  #lines(visit: Visit, record: SessionRecord | null): string[] {
    const { opener } = this.#home;
    const { format } = opener;
    if (record === null || (format.deletesEmpty && isEmpty(record))) {
      const beside = format.linesBeside?.(null, this.#request) ?? [];
      return visit.loaded.record === null ? [...beside] : [this.#jar.erase(), ...beside];
    }
    const value = format.seal(record, this.#jar.name, this.#request);
    const line = this.#jar.write(value, record.permanent ? opener.expiresAt(record) - record.renewedAt : undefined);
    emit("flagon:commit", () => ({ id: record.id, bytes: value.length, nearLimit: value.length >= NEAR_LIMIT_BYTES }));
    return [line, ...(format.linesBeside?.(record, this.#request) ?? [])];
  }
}

function isEmpty(record: SessionRecord): boolean {
  return record.userId === null && record.flashes.length === 0 && Object.keys(record.data).length === 0;
}
