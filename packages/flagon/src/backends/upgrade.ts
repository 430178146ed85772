import type { CodecContext, CookieFormat, CookieReader, OpenRequest, RejectRecord, SessionRecord } from "../codec.ts";
import { type Cookie, createCookie, securePrefix } from "../http/cookie.ts";
import { readCookies } from "../http/cookie-header.ts";
import { endOfUpgrade, type UpgradeOptions } from "../options.ts";
import type { Lifetimes } from "../state/lifetime.ts";
import type { SessionState } from "../state/session-state.ts";
import { cookieReader } from "./cookie-reader.ts";

/** Another format that is still read until a moment, and answered in the own one. */
export class Upgrade {
  /** Whether the old format has ids of its own kind, that mean nothing to Flagon. */
  readonly isForeign: boolean;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly #format: CookieFormat;
  readonly #opener: CookieReader;
  readonly #now: () => number;
  /** Of the old cookie, where it has a name or a place of its own. */
  readonly #jar: Cookie | null;

  constructor(options: UpgradeOptions, context: CodecContext, lifetimes: Lifetimes) {
    const { codec, cookie = {} } = options;
    const { name = codec.cookieName, sameSite, partitioned = false } = cookie;
    const needsSecure = securePrefix.test(name ?? "") || sameSite === "none" || partitioned;
    // What does not go with a codec as the app's own goes with one that is only read.
    this.#format = codec.bind({ ...context, options: {} });
    this.#opener = this.#format.opener ?? cookieReader(this.#format, lifetimes, context.now);
    this.#now = context.now;
    // Only ever used to delete, and what is not Secure deletes over plain http too.
    this.#jar = name === undefined ? null : createCookie(name, { secure: needsSecure, ...cookie });
    this.isForeign = codec.foreign ?? false;
    this.until = endOfUpgrade(options);
  }

  /** Null for a request without a cookie of the old format. The record is in values that Flagon's formats carry. */
  open(request: OpenRequest, cookieName: string, refuse: RejectRecord): SessionRecord | null {
    if (this.until <= this.#now()) return null;
    const record = this.#opener.open(request, this.#jar?.name ?? cookieName, refuse);
    if (record === null) return null;
    const carried = this.#format.convert?.(record) ?? record;
    // A format that knows no beginning: the session begins here, else it could be over before it was written.
    return { ...carried, createdAt: carried.createdAt ?? this.#now() };
  }

  /**
   * Set-Cookie lines that delete what the browser has of the old format, beside the `lines` of this commit. Once the own
   * cookie is written, the old one would sign the visitor in again when that ends, by a sign-out too.
   */
  extraCookies({ request, record, ending }: SessionState, lines: readonly string[]): readonly string[] {
    const isEnded = ending === "ended";
    if (this.until <= this.#now() || (lines.length === 0 && !isEnded)) return [];
    const beside: string[] = [];
    const name = this.#jar?.name;
    const isOwn = lines.some((line) => line.startsWith(`${name}=`));
    if (this.#jar !== null && !isOwn && this.#opens(request, this.#jar.name))
      beside.push(this.#jar.serializeDeletion());
    if (record.userId === null && !isEnded) return beside;
    const more = this.#format.extraCookies?.(record.userId === null ? null : record, request) ?? [];
    return [...beside, ...more];
  }

  /** Whether there is a cookie to delete: one of this name that is another app's stays. */
  #opens(request: OpenRequest, name: string): boolean {
    const values = readCookies(request.header("cookie") ?? "", name);
    return values.some((value) => typeof this.#format.open(value, name, request) !== "string");
  }
}
