import type { SessionRecord } from "../codec.ts";

/** A number of seconds, or a number with a unit: seconds, minutes, hours or days. */
export type Duration = number | `${number}${"s" | "m" | "h" | "d"}`;

/** How long a session lasts. */
export interface Lifetime {
  /** Without a visit for this long, the session is over. Exact to minus a tenth: it is renewed only when a tenth has passed. */
  readonly idle?: Duration;
  /** Over at the latest this long after it began or was signed in to, however often it is used. */
  readonly absolute?: Duration;
}

/** How far the clocks of two servers may be apart. */
export const CLOCK_SKEW_MS = 5_000;

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds. Throws a `TypeError` that names the option for what is no duration, or not above zero. */
export function parseDuration(duration: Duration, option: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(typeof duration === "number" ? "" : duration) ?? [];
  const ms = typeof duration === "number" ? duration * 1_000 : Number(count) * unitMs[unit as keyof typeof unitMs];
  if (!(Number.isFinite(ms) && ms > 0)) {
    throw new TypeError(`${option} must be seconds or text such as "30m", "12h", "31d", above 0`);
  }
  return ms;
}

interface LimitsMs {
  readonly idle: number;
  readonly absolute: number;
}

/** Both kinds of lifetime, browser-long and permanent, as NIST SP 800-63B and OWASP ASVS 5 V7.3 ask: idle and absolute. */
export class Lifetimes {
  readonly #browser: LimitsMs;
  readonly #permanent: LimitsMs;
  /** Milliseconds: no session of these options is older than this. */
  readonly longestMs: number;

  constructor(browser: Lifetime | undefined, permanent: Lifetime | undefined) {
    this.#browser = readLimits(browser, "lifetime", { idle: "30m", absolute: "12h" });
    this.#permanent = readLimits(permanent, "permanentLifetime", { idle: "31d", absolute: "180d" });
    this.longestMs = Math.max(this.#browser.absolute, this.#permanent.absolute);
  }

  /** When the session ends unless it is renewed: the earlier of its two limits. */
  expiresAt(record: SessionRecord): number {
    const limits = this.#of(record);
    return Math.min(record.renewedAt + limits.idle, this.absoluteEnd(record));
  }

  /** When the session ends whatever happens. */
  absoluteEnd(record: SessionRecord): number {
    return (record.createdAt ?? record.renewedAt) + this.#of(record).absolute;
  }

  /** Whether a tenth of the idle time has passed: more often, each visit would be a write. */
  isRenewalDue(record: SessionRecord, now: number): boolean {
    return now - record.renewedAt >= this.#of(record).idle / 10;
  }

  #of(record: SessionRecord): LimitsMs {
    return record.permanent ? this.#permanent : this.#browser;
  }
}

/** Whether a clock in a cookie is further ahead than servers' clocks differ. */
export function isFromTheFuture(record: { createdAt: number | null; renewedAt: number }, now: number): boolean {
  return Math.max(record.createdAt ?? 0, record.renewedAt) > now + CLOCK_SKEW_MS;
}

function readLimits(given: Lifetime | undefined, option: string, standard: Required<Lifetime>): LimitsMs {
  const idle = parseDuration(given?.idle ?? standard.idle, `${option}.idle`);
  const absolute = parseDuration(given?.absolute ?? standard.absolute, `${option}.absolute`);
  if (idle > absolute) {
    throw new TypeError(`${option}.idle is longer than ${option}.absolute; set both`);
  }
  return { idle, absolute };
}
