/**
 * A map that holds at most `limit` entries and forgets the ones not asked for lately. Two halves take turns: when the
 * young one is full the old one is dropped, so that neither reading nor forgetting ever walks the map. Values are never null.
 */
export class BoundedMap<Key, Value extends NonNullable<unknown>> {
  readonly #half: number;
  #young: Map<Key, Value> = new Map();
  #old: Map<Key, Value> = new Map();

  constructor(limit: number) {
    this.#half = limit / 2;
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    // Young again, for having been asked for.
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: Key, value: Value): void {
    if (this.#half === 0) return;
    this.#young.set(key, value);
    if (this.#young.size < this.#half) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
