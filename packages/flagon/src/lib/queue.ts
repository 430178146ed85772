/**
 * Lets one task at a time run for each key, in the order in which they came. Requests of one visitor that meet in this
 * process then wait for each other instead of failing against each other in the store.
 */
export class KeyedQueue {
  readonly #last: Map<string, Promise<unknown>> = new Map();

  run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const mine = before === undefined ? task() : before.then(task, task);
    this.#last.set(key, mine);
    const leave = (): void => {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
    mine.then(leave, leave);
    return mine;
  }
}
