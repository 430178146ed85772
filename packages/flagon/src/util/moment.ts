/** Clocks this far behind the latest mark are another clock, not the same millisecond. */
const SAME_CLOCK_MS = 1_000;

/** Tells what came after a mark that all of a user's sessions ended from what came before it, in one millisecond too. */
export class Moments {
  readonly #now: () => number;
  #latestMark = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A moment after each mark of this process: what begins in the millisecond of a mark began after it. */
  readonly afterMarks = (): number => {
    const now = this.#now();
    return now <= this.#latestMark && this.#latestMark - now < SAME_CLOCK_MS ? this.#latestMark + 1 : now;
  };

  /** The moment of a mark: whatever this process began before is not later. */
  mark(): number {
    this.#latestMark = this.afterMarks();
    return this.#latestMark;
  }
}
