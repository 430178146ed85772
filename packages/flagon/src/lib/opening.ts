import type { Codec, CookieFormat, OpenRequest, RejectReason, SessionRecord } from "../codec.ts";
import { CookieJar, type CookieOptions, readCookies } from "./cookie.ts";
import { emit } from "./events.ts";
import { isFromTheFuture, type Lifetimes } from "./lifetime.ts";
import type { Visit } from "./visit.ts";

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
    // Said so that a limit or a clock that is no number lets nothing live for ever.
    return this.expiresAt(record) > now ? null : "expired";
  }

  expiresAt(record: SessionRecord): number {
    return this.format.expiresAt?.(record) ?? this.#lifetimes.expiresAt(record);
  }

  isRenewalDue(record: SessionRecord): boolean {
    if (record.outdated) return true;
    return this.format.isRenewalDue?.(record) ?? this.#lifetimes.isRenewalDue(record, this.#now());
  }
}

/** A format that was used before, and its cookie. */
interface OldCookie {
  readonly codec: Codec;
  readonly cookie?: CookieOptions;
}

/** Another format that is still read until a moment, and answered in the own one. */
export class Upgrade {
  /** Whether the old format has ids of its own kind, that mean nothing to Flagon. */
  readonly isForeign: boolean;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly #opener: CookieOpener;
  readonly #now: () => number;
  /** Of the old cookie, where it has a name or a place of its own. */
  readonly #jar: CookieJar | null;

  constructor(opener: CookieOpener, { codec, cookie = {} }: OldCookie, until: number, now: () => number) {
    const { name = codec.cookieName, sameSite, partitioned = false } = cookie;
    const needsSecure = /^__(host|secure)-/i.test(name ?? "") || sameSite === "none" || partitioned;
    this.#opener = opener;
    this.#now = now;
    // Only ever used to delete, and what is not Secure deletes over plain http too.
    this.#jar = name === undefined ? null : new CookieJar(name, { secure: needsSecure, ...cookie });
    this.isForeign = codec.foreign ?? false;
    this.until = until;
  }

  /** Null for a request without a cookie of the old format. The record is in values that Flagon's formats carry. */
  open(
    request: OpenRequest,
    cookieName: string,
    refuse: (record: SessionRecord) => RejectReason | null,
  ): SessionRecord | null {
    const record = this.#opener.open(request, this.#jar?.name ?? cookieName, refuse);
    if (record === null) return null;
    const carried = this.#opener.format.convert?.(record) ?? record;
    // A format that knows no beginning: the session begins here, else it could be over before it was written.
    return { ...carried, createdAt: carried.createdAt ?? this.#now() };
  }

  /**
   * Set-Cookie lines that delete what the browser has of the old format, beside the `lines` of this commit. Once the own
   * cookie is written, the old one would sign the visitor in again when that ends, by a sign-out too.
   */
  linesBeside({ request, record, ending }: Visit, lines: readonly string[]): readonly string[] {
    const isEnded = ending === "ended";
    if (this.until <= this.#now() || (lines.length === 0 && !isEnded)) return [];
    const beside: string[] = [];
    const name = this.#jar?.name;
    const isOwn = lines.some((line) => line.startsWith(`${name}=`));
    if (this.#jar !== null && !isOwn && this.#opens(request, this.#jar.name)) beside.push(this.#jar.erase());
    if (record.userId === null && !isEnded) return beside;
    const more = this.#opener.format.linesBeside?.(record.userId === null ? null : record, request) ?? [];
    return [...beside, ...more];
  }

  /** Whether there is a cookie to delete: one of this name that is another app's stays. */
  #opens(request: OpenRequest, name: string): boolean {
    const { format } = this.#opener;
    const values = readCookies(request.header("cookie") ?? "", name);
    return values.some((value) => typeof format.open(value, name, request) !== "string");
  }
}
