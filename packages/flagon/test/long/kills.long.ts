import { afterAll } from "vitest";
import { type Case, cases, type Result, testKills } from "../backends/engines/kills.ts";

/* The table in docs/stores.md, in the order of its rows. */
const rows: string[] = [];

testKills(cases, { clients: 200, writes: 10 }, (which, result) => rows.push(rowOf(which, result)));

afterAll(() => {
  const head = "| engine | setting | driver | clients | acknowledged | missing | 503s | writing again after |";
  console.log([head, "|---|---|---|---:|---:|---:|---|---:|", ...rows].join("\n"));
});

function rowOf({ engine, setting, driver }: Case, { clients, hit, failures, seconds, ...counts }: Result): string {
  const [acknowledged, missing] = [counts.acknowledged, counts.missing].map(formatted);
  const errors = Object.entries(failures).map(([failure, count]) => `${formatted(count)} ${failure}`);
  const [first, last] = seconds.map((each) => each.toFixed(1));
  const who = hit === clients ? clients : `${clients}, ${hit} hit`;
  return `| ${[engine, setting, driver, who, acknowledged, missing, errors.join(", "), `${first}–${last} s`].join(" | ")} |`;
}

function formatted(count: number): string {
  return count.toLocaleString("en");
}
