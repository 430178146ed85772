import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { median, spread, table } from "../lib/stats.ts";
import type { Compared } from "./compare-once.ts";
import { shares } from "./subject.ts";

/**
 * Two builds side by side in some processes. Within a process one of them is a few per cent slower throughout, by which was
 * loaded first and what the compiler happened to make of it; so they change places from process to process, and how far the
 * processes are apart says what can be told from a ratio.
 */
export function compareBuilds(
  own: string,
  other: string,
  { processes, rounds, milliseconds }: { processes: number; rounds: number; milliseconds: number },
): string {
  const runs = Array.from({ length: processes }, (_, i) => {
    const folders = i % 2 === 0 ? [own, other] : [other, own];
    const args = [join(import.meta.dirname, "compare-once.ts"), ...folders, String(rounds), String(milliseconds)];
    const output = execFileSync(process.execPath, [...process.execArgv, "--no-warnings", ...args], {
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    const compared = JSON.parse(output) as Compared[];
    return compared.map(({ name, samples: [first, second] }) => ({
      name,
      ours: i % 2 === 0 ? first : second,
      others: i % 2 === 0 ? second : first,
    }));
  });
  const rows = (runs[0] ?? []).map(({ name }, row) => {
    const each = runs.flatMap((run) => run[row] ?? []);
    const ours = each.flatMap((run) => run.ours);
    const others = each.flatMap((run) => run.others);
    const medians = each.map((run) => median(shares(run.ours, run.others))).sort((a, b) => a - b);
    // Of an even number of processes the two in the middle, since the halves lean to either side.
    const middle = ((medians[Math.floor((medians.length - 1) / 2)] ?? 0) + (medians[medians.length >> 1] ?? 0)) / 2;
    const range = `${medians[0]?.toFixed(3)}–${medians.at(-1)?.toFixed(3)}`;
    return [name, spread(ours, 1), spread(others, 1), middle.toFixed(3), range];
  });
  return table(["", "this, µs", "the other, µs", "this ÷ the other", "lowest–highest process"], rows);
}
