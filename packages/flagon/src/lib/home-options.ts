import type { Codec } from "../codec.ts";
import type { Store } from "../store.ts";
import type { CookieOptions } from "./cookie.ts";
import { type Duration, parseDuration } from "./lifetime.ts";

/** Those of `createSessions` that say where sessions live, and where they lived before. */
export interface HomeOptions {
  readonly store?: Store;
  readonly revocations?: Store | RevocationOptions;
  readonly storeTimeout?: Duration;
  readonly upgradeFrom?: readonly UpgradeOptions[];
}

/** Sealed cookies are checked against a store, so that they can be ended early. */
export interface RevocationOptions {
  readonly store: Store;
  /**
   * For how long an answer of the store may be used again; default "5s". 0 asks at each request. Risk: so long does a
   * revoked session still read, though never write: a commit always asks.
   */
  readonly staleness?: Duration | 0;
}

/** An older cookie format, and until when it is still opened. */
export interface UpgradeOptions {
  readonly codec: Codec;
  /**
   * The old cookie's name, domain and path, where they are not the codec's own (`fromFlaskConfig` gives them). A browser
   * deletes a cookie only when told the domain and path that it was set with; what stays would be opened again.
   */
  readonly cookie?: CookieOptions;
  /** From this moment on the old format is refused: a Date, or a text that `Date` reads, such as "2027-01-31". */
  readonly until: Date | string;
}

/** From when on the old format is refused, in milliseconds since 1970. Throws a `TypeError` for what is no date. */
export function endOfUpgrade({ codec, until }: UpgradeOptions): number {
  const end = new Date(until ?? "").getTime();
  if (Number.isNaN(end)) throw new TypeError(`upgradeFrom: ${codec.name} needs until, a date`);
  return end;
}

/** Milliseconds: how long a store may take to answer, and for how long its answer about a sealed cookie holds. */
export function storeTimes({ storeTimeout = "2s", revocations }: HomeOptions): StoreTimes {
  const { staleness = "5s" }: Partial<RevocationOptions> =
    revocations !== undefined && "store" in revocations ? revocations : {};
  return {
    timeoutMs: parseDuration(storeTimeout, "storeTimeout"),
    stalenessMs: staleness === 0 ? 0 : parseDuration(staleness, "revocations.staleness"),
  };
}

export interface StoreTimes {
  readonly timeoutMs: number;
  readonly stalenessMs: number;
}
