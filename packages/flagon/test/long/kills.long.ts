import { afterAll } from "vitest";
import { type Case, cases, type Result, testKills } from "../homes/engines/kills.ts";

/* The table in docs/stores.md, in the order of its rows. */
const rows: string[] = [];

testKills(cases, { clients: 200, writes: 10 }, (which, result) => rows.push(rowOf(which, result)));

afterAll(() => {
  const head = "| engine | setting | driver | clients | acknowledged | missing | errors | writing again after |";
  console.log([head, "|---|---|---|---:|---:|---:|---|---:|", ...rows].join("\n"));
});

function rowOf({ engine, setting, driver }: Case, { seconds, failures, ...result }: Result): string {
  const clients =
    result.hit === result.clients ? `${result.clients}` : `${result.clients}, ${result.hit} of them there`;
  const errors = Object.entries(failures).map(([failure, count]) => `${count} × ${failure}`);
  const [first, last] = seconds.map((each) => each.toFixed(1));
  const cells = [
    engine,
    setting,
    driver,
    clients,
    result.acknowledged,
    result.missing,
    errors.join(", "),
    `${first}–${last} s`,
  ];
  return `| ${cells.join(" | ")} |`;
}
