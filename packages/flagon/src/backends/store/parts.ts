import type { CookieReader, SessionRecord } from "../../codec.ts";
import type { KeyRing } from "../../crypto/keys.ts";
import type { StoredSession } from "../../store.ts";
import type { KeyedQueue } from "../../util/keyed-queue.ts";
import type { Revocations } from "../revocations/sessions.ts";
import type { Upgrade } from "../upgrade.ts";
import type { GuardedStore } from "./guarded-store.ts";
import type { Succession } from "./succession.ts";

/** What a store's backend is made of. */
export interface StoreParts {
  readonly store: GuardedStore;
  readonly keys: KeyRing;
  /** For its clocks: the limits are the same wherever a session lives. */
  readonly opener: CookieReader;
  readonly upgrades: readonly Upgrade[];
  readonly revocations: Revocations;
  readonly now: () => number;
  readonly longestLifetimeMs: number;
}

/** What the requests of one backend have in common. */
export interface StoreContext {
  readonly parts: StoreParts;
  /** One commit at a time for each session in this process; the store settles what other processes do. */
  readonly queue: KeyedQueue;
  /** What becomes of sessions that end. */
  readonly line: Succession;
  /** What the row stands for now: null for a tombstone, and for one that no secret in use opens. */
  recordOf(row: StoredSession | null): SessionRecord | null;
}
