import { isTimeout } from "../errors.ts";

/**
 * Lets one task at a time run for each key, in the order in which they came. Requests of one visitor that meet in this
 * process then wait for each other instead of failing against each other in the store. When the store gives one of them no
 * answer in time, those that wait behind it are told the same: each of fifty would else wait its own time, one after another.
 */
export class KeyedQueue {
  readonly #last: Map<string, Promise<unknown>> = new Map();

  run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key);
    const afterFailure = (error: unknown): Promise<Result> => (isTimeout(error) ? Promise.reject(error) : task());
    const mine = before === undefined ? task() : before.then(task, afterFailure);
    this.#last.set(key, mine);
    const leave = (): void => {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
    mine.then(leave, leave);
    return mine;
  }
}
