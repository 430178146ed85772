/**
 * What sessions cost a request of a `node:http` server that answers over a pair of streams in this process: no network and no
 * load generator, whose noise hides a few per cent. All contenders take turns, round after round.
 *
 *   npm run bench -- inprocess                                         beside no session, the bare calls, and the peers
 *   npm run bench -- inprocess --against ../other/packages/flagon      this checkout beside another
 *
 * `--rounds` says how many rounds are counted, `--milliseconds` how long each contender has in each: many short turns, since a
 * machine that others use changes its speed within a tenth of a second. `--processes` is for `--against`.
 */
import { cpus } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { spread, table } from "../lib/stats.ts";
import { bare, sealedByHand, storedByHand } from "./by-hand.ts";
import { compareBuilds } from "./compare.ts";
import { acts, type Contender } from "./contender.ts";
import { loadBuild, sealedContenders, storedContenders } from "./flagon.ts";
import { sealedPeers, storedPeers } from "./peers.ts";
import { find, ID_LENGTH, measure, SEALED_LENGTH, type Subject, shares, subjectsOf } from "./subject.ts";

const { values } = parseArgs({
  options: {
    against: { type: "string" },
    rounds: { type: "string" },
    milliseconds: { type: "string", default: "4" },
    processes: { type: "string", default: "10" },
  },
});
const own = join(import.meta.dirname, "../../packages/flagon");
const milliseconds = Number(values.milliseconds);

if (values.against === undefined) {
  await besidePeers(Number(values.rounds ?? 301));
} else {
  const [rounds, processes] = [Number(values.rounds ?? 101), Number(values.processes)];
  console.log(caption(`${processes} processes of ${rounds} rounds`));
  console.log(compareBuilds(own, resolve(values.against), { processes, rounds, milliseconds }));
}

async function besidePeers(rounds: number): Promise<void> {
  const build = await loadBuild(own);
  const sealed = [bare(SEALED_LENGTH), sealedByHand, ...sealedContenders(build), ...sealedPeers];
  const stored = [bare(ID_LENGTH), storedByHand, ...storedContenders(build), ...storedPeers];
  const subjects = subjectsOf([...sealed, ...stored]);
  await measure(subjects, rounds, milliseconds);
  const tables = [sealed, stored].map((contenders) => besideBare(contenders, subjects));
  console.log(`${caption(`${rounds} rounds`)}\nIn the cookie:\n\n${tables[0]}\n\nIn memory:\n\n${tables[1]}`);
}

function caption(howMany: string): string {
  return `Node ${process.versions.node}, ${cpus()[0]?.model}; medians of ${howMany}, µs of processor time for a request.\n`;
}

/** Microseconds, and behind them how many times the time without a session, round by round. */
function besideBare(contenders: readonly Contender[], subjects: readonly Subject[]): string {
  const rows = contenders.map((contender, index) => [
    contender.name,
    ...acts.map((act) => {
      const samples = find(subjects, contender, act)?.samples;
      const without = find(subjects, contenders[0], act)?.samples ?? [];
      if (samples === undefined) return "";
      return index === 0 ? spread(samples, 1) : `${spread(samples, 1)}, × ${spread(shares(samples, without))}`;
    }),
  ]);
  return table(["", "does not look", "reads", "writes"], rows);
}
