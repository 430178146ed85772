/**
 * How long it takes to open and to seal a session of some sizes, in one Node, all contenders in turn. Prints JSON: for each
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
  readonly seal: number[] | null;
}

const ROUNDS = Number(process.argv[2] ?? 15);
const ROUND_MS = Number(process.argv[3] ?? 25);
const secret = "k3v9Zq1xW7bN5tR8mL2pD6sF4gH0jCyA";

const results: Record<number, Measured[]> = {};
for (const bytes of [64, 512, 2_560]) {
  const data = dataOf(bytes);
  const contenders = [...limits(data), ...flagon(data, secret), ...(await peers(data, secret))];
  const acts = contenders.flatMap(({ open, seal }) => (seal === null ? [open] : [open, seal]));
  const measured = new Map(acts.map((act) => [act, [] as number[]]));
  for (let round = -2; round < ROUNDS; round++) {
    for (const act of acts) {
      const microseconds = await time(act);
      if (round >= 0) measured.get(act)?.push(microseconds);
    }
  }
  results[bytes] = contenders.map(({ name, length, open, seal }: Contender) => ({
    name,
    length,
    open: measured.get(open) ?? [],
    seal: seal === null ? null : (measured.get(seal) ?? []),
  }));
}
console.log(JSON.stringify(results));

/** Microseconds for one call, over as many as fit into a round. */
async function time(act: () => unknown): Promise<number> {
  const end = performance.now() + ROUND_MS;
  const start = performance.now();
  let calls = 0;
  let now = start;
  while (now < end) {
    // Ten calls to one look at the clock; only what is a promise is awaited.
    for (let i = 0; i < 10; i++) {
      const result = act();
      if (result instanceof Promise) await result;
    }
    calls += 10;
    now = performance.now();
  }
  return ((now - start) * 1_000) / calls;
}
