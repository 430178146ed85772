import { type Duration, parseDuration } from "../../util/duration.ts";

/** A batch takes about this long: what a request that comes in meanwhile waits for at most. */
const BATCH_MS = 5;
const REST = 3;
const FEWEST = 10;
const MOST = 1_000;

/**
 * Removes rows until `remove` finds fewer than it was asked for, and resolves how many those were. How many rows fit in a
 * batch depends on the disk and on how many rows there are in all, so each batch tells the size of the next; and between
 * two the engine rests three times as long as it worked, so that pruning a great many takes a quarter of it at most.
 */
export async function pruneInBatches(remove: (limit: number) => number | Promise<number>): Promise<number> {
  let limit = 50;
  for (let count = 0; ; ) {
    const begin = performance.now();
    const removed = await remove(limit);
    const took = performance.now() - begin;
    count += removed;
    if (removed < limit) return count;
    const fitting = Math.round((limit * BATCH_MS) / Math.max(took, 0.1));
    limit = Math.min(Math.max(fitting, FEWEST), 2 * limit, MOST);
    await new Promise((resolve) => setTimeout(resolve, REST * took));
  }
}

/** How often a store removes expired rows by itself; false for whoever calls `prune()` from a job. */
export type PruneInterval = Duration | false;

/**
 * Returns what a store calls after each write: about every `interval` one of them begins a prune, for which nobody waits. No
 * timer, so that nothing holds a process open; of many processes each has a moment of its own. What fails is tried again at the
 * next interval, and told by a process warning, once. Throws a `TypeError` for an interval that is none.
 */
export function pruneNowAndThen(interval: PruneInterval, prune: () => Promise<unknown>): () => void {
  if (interval === false) return () => {};
  const intervalMs = parseDuration(interval, "prune");
  const next = (): number => performance.now() + intervalMs * (0.5 + Math.random());
  let dueAt = 0;
  let hasWarned = false;
  return () => {
    dueAt ||= next();
    if (performance.now() < dueAt) return;
    dueAt = Number.POSITIVE_INFINITY;
    prune()
      .catch((error: unknown) => {
        if (hasWarned) return;
        hasWarned = true;
        const options = { type: "FlagonWarning", code: "FLAGON_PRUNE" };
        globalThis.process?.emitWarning?.(`expired sessions could not be removed: ${error}`, options);
      })
      .finally(() => {
        dueAt = next();
      });
  };
}
