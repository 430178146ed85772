/** Clocks this far behind the latest mark are another clock, not the same millisecond. */
const SAME_CLOCK_MS = 1_000;

/** When this process last ended all sessions of some user. */
let latestMark = 0;

/** A moment after each mark of this process: what begins in the millisecond of a mark began after it. */
export function momentAfterMarks(now: number): number {
  return now <= latestMark && latestMark - now < SAME_CLOCK_MS ? latestMark + 1 : now;
}

/** The moment of a mark: whatever this process began before is not later. */
export function momentOfMark(now: number): number {
  latestMark = momentAfterMarks(now);
  return latestMark;
}
