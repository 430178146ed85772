import type { OpenRequest, RejectReason, SessionRecord } from "../codec.ts";
import type { CookieJar } from "./cookie.ts";
import { EndedIds, LATE_MS } from "./ended.ts";
import { emit } from "./events.ts";
import { type Home, type Loaded, muted, nobody, type Stay } from "./home.ts";
import type { CookieOpener, Upgrade } from "./opening.ts";
import type { Ending, Visit } from "./visit.ts";

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
  /** The session that the request came with, where it ended just before. */
  #late: SessionRecord | null = null;

  constructor(home: CookieHome, request: OpenRequest, jar: CookieJar) {
    this.#home = home;
    this.#request = request;
    this.#jar = jar;
  }

  load(): Loaded {
    const { opener, upgrades, ended, now } = this.#home;
    const refuse = (record: SessionRecord): RejectReason | null => {
      const endedAt = ended.endedAt(record);
      if (endedAt === null) return null;
      if (now() - endedAt < LATE_MS) this.#late ??= record;
      return "ended";
    };
    const record = opener.open(this.#request, this.#jar.name, refuse);
    if (record !== null) return { record, muted: false, renewalDue: opener.isRenewalDue(record) };
    for (const upgrade of upgrades) {
      const old = upgrade.until > now() ? upgrade.open(this.#request, this.#jar.name, refuse) : null;
      if (old !== null) return { record: old, muted: false, renewalDue: true };
    }
    return this.#late === null ? nobody : muted;
  }

  save(visit: Visit): string[] {
    const { record: opened, renewalDue } = visit.loaded;
    if (!visit.isChanged && !renewalDue) return [];
    const came = opened ?? this.#late;
    if (came !== null && this.#home.ended.endedAt(came) !== null) return this.#saveLate(visit, came);
    // Sealed before the old id ends: when the cookie is too large the session stays as it was.
    const lines = this.write(visit, opened);
    if (opened !== null && visit.ending !== null) this.#end(visit, opened, visit.ending);
    return lines;
  }

  /** What this request stores comes too late: its session was ended while it ran, or just before. */
  #saveLate(visit: Visit, came: SessionRecord): string[] {
    const { ended, now } = this.#home;
    const { record, loaded } = visit;
    const place = visit.isLogin ? ended.lastOf(came, record.userId, loaded.record === null) : null;
    if (place !== null) {
      delete record.family;
      const lines = this.write(visit, loaded.record);
      ended.retire(place, record, now());
      return lines;
    }
    if (visit.ending === "ended" && !visit.isLogin) {
      // A sign-out that comes after a rotation means the heir.
      ended.end(came, now());
      return this.erase();
    }
    emit("flagon:conflict", () => ({ id: came.id, reason: "ended" }));
    return [];
  }

  #end(visit: Visit, opened: SessionRecord, reason: Ending): void {
    const { ended, now } = this.#home;
    if (reason === "ended" && !visit.isLogin) ended.end(opened, now());
    else ended.retire(opened.id, visit.record, now());
    emit("flagon:revoke", () => ({ id: opened.id, userId: opened.userId, reason }));
  }

  /** Seals what there is to keep: this visit's changes over `base`. */
  write(visit: Visit, base: SessionRecord | null): string[] {
    return this.#lines(visit, visit.result(base));
  }

  /** Deletes the cookie, and what its format has beside it. */
  erase(): string[] {
    return [this.#jar.erase(), ...(this.#home.opener.format.linesBeside?.(null, this.#request) ?? [])];
  }

  #lines(visit: Visit, record: SessionRecord | null): string[] {
    const { opener } = this.#home;
    const { format } = opener;
    if (record === null || (format.deletesEmpty && isEmpty(record))) {
      const lines = this.erase();
      return visit.loaded.record === null ? lines.slice(1) : lines;
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
