/**
 * A copy of the list that an option was given. Throws a `TypeError` that names the option for what is no list, a text among
 * them, which would be taken for its letters; and the entry that is unset: undefined, null or "". `wanted` says what to pass.
 */
export function listOf<Item>(given: readonly Item[], option: string, wanted: string): Item[] {
  if (!Array.isArray(given)) throw new TypeError(`${option} must be a list; ${wanted}`);
  // Holes are copied as undefined.
  const list = [...(given as readonly Item[])];
  const unset = list.findIndex((item) => item === undefined || item === null || item === "");
  if (unset > -1) throw new TypeError(`${option}[${unset}] is unset; ${wanted}`);
  return list;
}
