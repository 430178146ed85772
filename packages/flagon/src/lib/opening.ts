import type { CookieFormat, OpenRequest, RejectReason, SessionRecord } from "../codec.ts";
import { readCookies } from "./cookie.ts";
import { emit } from "./events.ts";
import { isFromTheFuture, type Lifetimes } from "./lifetime.ts";

/** Why a session that is within its limits is refused all the same; null when it is not. */
export type Refuse = (record: SessionRecord) => RejectReason | null;

/** One format at work: finds the cookie that opens among those of a name, and holds it to its limits. */
export interface CookieOpener {
  readonly format: CookieFormat;
  /**
   * The record of the first cookie that opens, is within its limits and that `refuse` has nothing against; null when there
   * is none. A visitor may send several of one name (a subdomain can plant one); they are never merged. Where the cookie was
   * ended in this process, nothing else in the request brings the visitor back: it was sent before the logout was answered.
   */
  open(request: OpenRequest, cookieName: string, refuse: Refuse): SessionRecord | null;
  /** Why the record's clocks rule it out; null when they don't. */
  limitOf(record: SessionRecord): RejectReason | null;
  expiresAt(record: SessionRecord): number;
  isRenewalDue(record: SessionRecord): boolean;
}

export function cookieOpener(format: CookieFormat, lifetimes: Lifetimes, now: () => number): CookieOpener {
  const expiresAt = (record: SessionRecord): number => format.expiresAt?.(record) ?? lifetimes.expiresAt(record);
  const limitOf = (record: SessionRecord): RejectReason | null => {
    if (isFromTheFuture(record, now())) return "from_the_future";
    // Said so that a limit or a clock that is no number lets nothing live for ever.
    return expiresAt(record) > now() ? null : "expired";
  };
  return {
    format,
    expiresAt,
    limitOf,
    open(request, cookieName, refuse) {
      const header = request.header("cookie");
      if (header == null) return null;
      let isEnded = false;
      for (const value of readCookies(header, cookieName)) {
        const opened = format.open(value, cookieName, request);
        const reason = typeof opened === "string" ? opened : (limitOf(opened) ?? refuse(opened));
        if (reason === null) return opened as SessionRecord;
        emit("flagon:reject", () => ({ reason }));
        isEnded ||= reason === "ended";
        if (format.takesFirstCookie) break;
      }
      return isEnded ? null : (format.recover?.(request) ?? null);
    },
    isRenewalDue(record) {
      return record.outdated || (format.isRenewalDue?.(record) ?? lifetimes.isRenewalDue(record, now()));
    },
  };
}
