import type { SessionError } from "../errors.ts";
import { storeCorrupt } from "../errors.ts";

/**
 * How far a line of sessions, in which each took the place of the one before, is followed. Whoever follows one came with a
 * session that ended within the last half minute, or while they were under way: a hundred new ids since then, each given to
 * the cookie of the one before, are no browser's doing. An engine that is corrupt may name them in a circle.
 */
export const STEPS_MAX = 100;

/** What came after `id`, one after another; no more than {@link STEPS_MAX}. */
export async function idsAfter(id: string, nextOf: (id: string) => Promise<string | null>): Promise<string[]> {
  const ids: string[] = [];
  for (let next = await nextOf(id); next !== null && ids.length < STEPS_MAX; next = await nextOf(next)) ids.push(next);
  return ids;
}

/** For a line whose end has to be known: nobody may take it for found. */
export function endless(): SessionError {
  return storeCorrupt("the session store names ended sessions without an end");
}
