import { randomUUID } from "node:crypto";
import { SessionError } from "../errors.ts";
import { type BackendOptions, storeTimes } from "../options.ts";
import { CLOCK_SKEW_MS } from "../state/lifetime.ts";
import type { StoredSession } from "../store.ts";
import { GuardedStore } from "./store/guarded-store.ts";
import { tombstoneOf } from "./store/tombstone.ts";

/**
 * What `Sessions.check` asks of a store, or of the one for `revocations`: a row that nobody has is written, read and removed, and
 * its clock is compared with this server's.
 */
export async function checkStore(options: BackendOptions, now: () => number): Promise<void> {
  const { store, revocations } = options;
  const given = store ?? (revocations && "store" in revocations ? revocations.store : revocations);
  if (given === undefined) return;
  const guarded = new GuardedStore(given, storeTimes(options).timeoutMs);
  await compareClocks(guarded, now);
  const moment = now();
  const row = tombstoneOf({ id: `check-${randomUUID()}`, version: 0, createdAt: moment }, "ended", moment);
  await guarded.create(row);
  const found: StoredSession | null = await guarded.read(row.id);
  await guarded.delete(row.id);
  if (found === null) {
    throw new SessionError(
      "store_corrupt",
      "the session store does not have what it was given a moment ago: reads go elsewhere than writes",
    );
  }
}

async function compareClocks(store: GuardedStore, now: () => number): Promise<void> {
  const before = now();
  const theirs = await store.now();
  if (theirs === null) return;
  // Whenever on the way it was asked: what the way took is no difference.
  const ahead = Math.max(before - theirs, theirs - now());
  if (ahead <= CLOCK_SKEW_MS) return;
  const which = theirs < before ? "ahead of" : "behind";
  throw new TypeError(
    `this server's clock is ${Math.round(ahead / 1_000)} s ${which} the session store's: set both by NTP, or sessions end early and sign-ins are taken for older than they are`,
  );
}
