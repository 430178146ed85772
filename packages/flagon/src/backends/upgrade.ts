import type { CodecContext, CookieFormat, CookieReader, OpenRequest, RejectRecord, SessionRecord } from "../codec.ts";
import { Buffer } from "../crypto/bytes.ts";
import { type Cookie, createCookie, securePrefix } from "../http/cookie.ts";
import { readCookies } from "../http/cookie-header.ts";
import { endOfUpgrade, type UpgradeOptions } from "../options.ts";
import type { Lifetimes } from "../state/lifetime.ts";
import type { SessionRules, SessionState } from "../state/session-state.ts";
import { cookieReader } from "./cookie-reader.ts";

/** What a format that is only read is made of. */
interface LegacyParts {
  readonly context: CodecContext;
  readonly lifetimes: Lifetimes;
  readonly rules: SessionRules;
}

/** Another format that is still read until a moment, and answered in the own one. */
export class LegacyFormat {
  /** Whether the old format has ids of its own kind, that mean nothing to Flagon. */
  readonly isForeign: boolean;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly #format: CookieFormat;
  readonly #reader: CookieReader;
  readonly #now: () => number;
  /** Of the old cookie, where it has a name or a place of its own. */
  readonly #cookie: Cookie | null;

  readonly #parts: LegacyParts;

  constructor(options: UpgradeOptions, parts: LegacyParts) {
    const { context, lifetimes } = parts;
    this.#parts = parts;
    const { codec, cookie = {} } = options;
    const { name = codec.cookieName, sameSite, partitioned = false } = cookie;
    const needsSecure = securePrefix.test(name ?? "") || sameSite === "none" || partitioned;
    // What does not go with a codec as the app's own goes with one that is only read.
    this.#format = codec.bind({ ...context, options: {} });
    this.#reader = this.#format.reader ?? cookieReader(this.#format, lifetimes, context.now);
    this.#now = context.now;
    // Only ever used to delete, and what is not Secure deletes over plain http too.
    this.#cookie = name === undefined ? null : createCookie(name, { secure: needsSecure, ...cookie });
    this.isForeign = codec.foreign ?? false;
    this.until = endOfUpgrade(options);
  }

  /** Null for a request without a cookie of the old format. The record is in values that Flagon's formats carry. */
  open(request: OpenRequest, cookieName: string, reject: RejectRecord): SessionRecord | null {
    if (this.until <= this.#now()) return null;
    const rejectOwn: RejectRecord = (record, since) => reject(this.#own(record), since);
    const record = this.#reader.open(request, this.#cookie?.name ?? cookieName, rejectOwn);
    return record && this.#own(record);
  }

  /**
   * The session as one of ours. Where the format has ids of another kind it gets one that is made of that, so that two
   * requests that take it over begin one session, and one that has ended is known again.
   */
  #own(record: SessionRecord): SessionRecord {
    const carried = this.#format.convert?.(record) ?? record;
    const { lifetimes, rules } = this.#parts;
    // A format that knows no beginning: the session begins here, else it could be over before it was written.
    const createdAt = carried.createdAt ?? this.#now();
    const begun = { ...carried, createdAt };
    if (carried.createdAt === null) begun.endsAt = lifetimes.absoluteEnd(begun);
    if (!this.isForeign) return begun;
    const id = rules.idAfter(carried.id);
    const signInId = record.userId === null ? 0 : Buffer.from(rules.idAfter(id), "base64url").readUInt32BE() || 1;
    return { ...begun, id, generation: 0, since: 0, signInId, rotatedAt: createdAt };
  }

  /**
   * Set-Cookie lines that delete what the browser has of the old format, beside the `lines` of this commit. Once the own
   * cookie is written, the old one would sign the visitor in again when that ends, by a sign-out too.
   */
  extraCookies({ request, record, isEnded }: SessionState, lines: readonly string[]): readonly string[] {
    if (this.until <= this.#now() || (lines.length === 0 && !isEnded)) return [];
    const beside: string[] = [];
    const name = this.#cookie?.name;
    const isOwn = lines.some((line) => line.startsWith(`${name}=`));
    if (this.#cookie !== null && !isOwn && this.#opens(request, this.#cookie.name))
      beside.push(this.#cookie.serializeDeletion());
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
