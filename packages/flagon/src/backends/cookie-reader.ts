import type { CookieFormat, CookieReader, SessionRecord } from "../codec.ts";
import type { RejectReason } from "../errors.ts";
import { emit } from "../events.ts";
import { readCookies } from "../http/cookie-header.ts";
import { isFromTheFuture, type Lifetimes } from "../state/lifetime.ts";

/** Opens the first cookie that opens, and holds it to the options' lifetimes; for a format without rules of its own. */
export function cookieReader(format: CookieFormat, lifetimes: Lifetimes, now: () => number): CookieReader {
  const limitOf = (record: SessionRecord): RejectReason | null => {
    if (isFromTheFuture(record, now())) return "from_the_future";
    // Said so that a limit or a clock that is no number lets nothing live for ever.
    return lifetimes.expiresAt(record) > now() ? null : "expired";
  };
  return {
    limitOf,
    expiresAt: lifetimes.expiresAt,
    isRenewalDue: (record) => record.outdated || lifetimes.isRenewalDue(record, now()),
    open(request, cookieName, refuse) {
      for (const value of readCookies(request.header("cookie") ?? "", cookieName)) {
        const opened = format.open(value, cookieName, request);
        const reason = typeof opened === "string" ? opened : (limitOf(opened) ?? refuse(opened));
        if (reason === null) return opened as SessionRecord;
        emit("flagon:reject", () => ({ reason }));
      }
      return null;
    },
  };
}
