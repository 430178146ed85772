import type { Codec, CookieFormat, OpenRequest, RejectReason, SessionRecord } from "../codec.ts";
import { readCookies } from "./cookie.ts";
import { emit } from "./events.ts";
import { isFromTheFuture, type Lifetimes } from "./lifetime.ts";

/** One format at work: finds the cookie that opens among those of a name, and holds it to its limits. */
export class CookieOpener {
  readonly format: CookieFormat;
  readonly #lifetimes: Lifetimes;
  readonly #now: () => number;

  constructor(format: CookieFormat, lifetimes: Lifetimes, now: () => number) {
    this.format = format;
    this.#lifetimes = lifetimes;
    this.#now = now;
  }

  /**
   * The record of the first cookie that opens, is within its limits and that `refuse` has nothing against; null when there
   * is none. A visitor may send several of one name (a subdomain can plant one); they are never merged. Where the cookie was
   * ended in this process, nothing else in the request brings the visitor back: it was sent before the logout was answered.
   */
  open(
    request: OpenRequest,
    cookieName: string,
    refuse: (record: SessionRecord) => RejectReason | null,
  ): SessionRecord | null {
    const header = request.header("cookie");
    if (header == null) return null;
    let isEnded = false;
    for (const value of readCookies(header, cookieName)) {
      const opened = this.format.open(value, cookieName, request);
      const reason = typeof opened === "string" ? opened : (this.limitOf(opened) ?? refuse(opened));
      if (reason === null) return opened as SessionRecord;
      emit("flagon:reject", () => ({ reason }));
      isEnded ||= reason === "ended";
      if (this.format.takesFirstCookie) break;
    }
    return isEnded ? null : (this.format.recover?.(request) ?? null);
  }

  /** Why the record's clocks rule it out; null when they don't. */
  limitOf(record: SessionRecord): RejectReason | null {
    const now = this.#now();
    if (isFromTheFuture(record, now)) return "from_the_future";
    return this.expiresAt(record) <= now ? "expired" : null;
  }

  expiresAt(record: SessionRecord): number {
    return this.format.expiresAt?.(record) ?? this.#lifetimes.expiresAt(record);
  }

  isRenewalDue(record: SessionRecord): boolean {
    if (record.outdated) return true;
    return this.format.isRenewalDue?.(record) ?? this.#lifetimes.isRenewalDue(record, this.#now());
  }
}

/** Another format that is still read until a moment, and answered in the own one. */
export class Upgrade {
  /** Whether the old format has ids of its own kind, that mean nothing to Flagon. */
  readonly isForeign: boolean;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly #opener: CookieOpener;
  readonly #cookieName: string | null;

  constructor(opener: CookieOpener, { cookieName, foreign = false }: Codec, until: number) {
    this.#opener = opener;
    this.#cookieName = cookieName ?? null;
    this.isForeign = foreign;
    this.until = until;
  }

  /** Null for a request without a cookie of the old format. The record is in values that Flagon's formats carry. */
  open(
    request: OpenRequest,
    cookieName: string,
    refuse: (record: SessionRecord) => RejectReason | null,
  ): SessionRecord | null {
    const record = this.#opener.open(request, this.#cookieName ?? cookieName, refuse);
    if (record === null) return null;
    const carried = this.#opener.format.convert?.(record) ?? record;
    // A format that knows no beginning: the absolute limit counts from its last write.
    return { ...carried, createdAt: carried.createdAt ?? carried.renewedAt };
  }
}
