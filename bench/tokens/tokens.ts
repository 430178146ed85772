/**
 * How long it takes to open a session, and to open, change and seal it, for some sizes, in one Node, all contenders in turn. Prints JSON: for each
 * size and contender the microseconds of each round.
 */
import { dataOf } from "../lib/data.ts";
import type { Contender } from "./contender.ts";
import { flagon } from "./flagon.ts";
import { limits } from "./limit.ts";
import { peers } from "./peers.ts";

export interface Measured {
  readonly name: string;
  readonly length: number;
  readonly open: number[];
  readonly change: number[];
}

const ROUNDS = Number(process.argv[2] ?? 15);
const ROUND_MS = Number(process.argv[3] ?? 25);
const secret = "k3v9Zq1xW7bN5tR8mL2pD6sF4gH0jCyA";

const results: Record<number, Measured[]> = {};
for (const bytes of [64, 512, 2_560]) {
  const data = dataOf(bytes);
  const contenders = [...limits(data), ...flagon(data, secret), ...(await peers(data, secret))];
  const acts = contenders.flatMap(({ open, change }) => [open, change]);
  const measured = new Map(acts.map((act) => [act, [] as number[]]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const act of acts) {
      const microseconds = await time(act);
      if (round >= 0) measured.get(act)?.push(microseconds);
    }
  }
  results[bytes] = contenders.map(({ name, length, open, change }: Contender) => ({
    name,
    length,
    open: measured.get(open) ?? [],
    change: measured.get(change) ?? [],
  }));
}
console.log(JSON.stringify(results));

/**
 * Microseconds of processor time for one call, over as many as fit into a round: the time of all threads, so that work given
 * to the thread pool counts, and a busy machine does not.
 */
async function time(act: () => unknown): Promise<number> {
  const end = performance.now() + ROUND_MS;
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() < end) {
    // Ten calls to one look at the clock; only what is a promise is awaited.
    for (let i = 0; i < 10; i++) {
      const result = act();
      if (result instanceof Promise) await result;
    }
    calls += 10;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}
