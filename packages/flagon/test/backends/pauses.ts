import { vi } from "vitest";
import { settled } from "./scheduler.ts";

/*
 * In place of setTimeout: nobody waits in real time. The tests that play millions of orders have tens of millions of time
 * limits, for which a whole false clock takes a tenth of their time.
 */

const pauses = new Map<number, { readonly at: number; readonly go: () => void }>();
let time = 0;
let count = 0;

export function holdTime(): void {
  vi.stubGlobal("setTimeout", (go: () => void, ms = 0): number => {
    pauses.set(++count, { at: time + ms, go });
    return count;
  });
  vi.stubGlobal("clearTimeout", (id: number): void => void pauses.delete(id));
}

export function letTimeGo(): void {
  vi.unstubAllGlobals();
  forgetPauses();
}

/** Nobody waits any more. */
export function forgetPauses(): void {
  pauses.clear();
}

/** So many milliseconds go by, and with them all that was waited for until then, one after another. */
export async function pass(ms: number): Promise<void> {
  const end = time + ms;
  for (;;) {
    const due = [...pauses].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
    const [first] = due;
    if (first === undefined) break;
    const [id, { at, go }] = first;
    pauses.delete(id);
    time = at;
    go();
    await settled();
  }
  time = end;
}

/** What this resolves to, however long it waits on its way. */
export async function passing<Result>(work: Promise<Result>): Promise<Result> {
  let isOver = false;
  const done = work.finally(() => {
    isOver = true;
  });
  await settled();
  // Whoever waits for it hears of its failure.
  done.catch(() => {});
  while (!isOver) await pass(60);
  return done;
}
