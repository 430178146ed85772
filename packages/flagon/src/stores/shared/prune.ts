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
