import type { SessionRecord } from "../codec.ts";
import { type Duration, parseDuration } from "../util/duration.ts";

/** How long a session lasts. */
export interface Lifetime {
  /** Without a visit for this long, the session is over. Exact to minus a tenth: it is renewed only when a tenth has passed. */
  readonly idle?: Duration;
  /** Over at the latest this long after it began or was signed in to, however often it is used. */
  readonly absolute?: Duration;
}

/** How far the clocks of two servers may be apart. */
export const CLOCK_SKEW_MS = 5_000;

/** Both kinds of lifetime, browser-long and permanent, as NIST SP 800-63B and OWASP ASVS 5 V7.3 ask: idle and absolute. */
export class Lifetimes {
  /** Milliseconds: no session of these options is older than this. */
  readonly longestMs: number;
  readonly #limitsOf: (record: SessionRecord) => LimitsMs;

  constructor(browser: Lifetime | undefined, permanent: Lifetime | undefined) {
    const short = readLimits("lifetime", browser, "30m", "12h");
    const long = readLimits("permanentLifetime", permanent, "31d", "180d");
    this.#limitsOf = (record) => (record.permanent ? long : short);
    this.longestMs = Math.max(short[1], long[1]);
  }

  /** When the session ends unless it is renewed: the earlier of its two limits. */
  readonly expiresAt = (record: SessionRecord): number => {
    const [idle, absolute] = this.#limitsOf(record);
    return Math.min(record.renewedAt + idle, (record.createdAt ?? record.renewedAt) + absolute, record.endsAt);
  };

  /** When a session that begins, or is signed in to, ends at the latest. */
  readonly absoluteEnd = (record: SessionRecord): number => {
    return (record.createdAt ?? record.renewedAt) + this.#limitsOf(record)[1];
  };

  /** Whether a tenth of the idle time has passed: more often, each visit would be a write. */
  isRenewalDue(record: SessionRecord, now: number): boolean {
    return now - record.renewedAt >= this.#limitsOf(record)[0] / 10;
  }
}

/** Whether a clock in a cookie is further ahead than servers' clocks differ. */
export function isFromTheFuture(record: { createdAt: number | null; renewedAt: number }, now: number): boolean {
  return Math.max(record.createdAt ?? 0, record.renewedAt) > now + CLOCK_SKEW_MS;
}

type LimitsMs = readonly [idle: number, absolute: number];

function readLimits(option: string, given: Lifetime | undefined, idle: Duration, absolute: Duration): LimitsMs {
  const idleMs = parseDuration(given?.idle ?? idle, `${option}.idle`);
  const absoluteMs = parseDuration(given?.absolute ?? absolute, `${option}.absolute`);
  if (idleMs <= absoluteMs) return [idleMs, absoluteMs];
  throw new TypeError(`${option}.idle is longer than ${option}.absolute; set both`);
}
