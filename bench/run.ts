/**
 * Two tables: what it takes to open and change a session on three versions of Node, and what sessions cost whole servers.
 *
 *   npm run bench               both, about 25 minutes on two cores that do nothing else
 *   npm run bench -- tokens     the first; `http` the second; `profile` draws where the time of a read goes
 *   npm run bench -- inprocess  a request's cost without a network; `--against` another checkout's
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { binaryOf, installRuntimes, runtimes } from "../scripts/lib/runtime-packages.ts";
import { dataOf } from "./lib/data.ts";
import { median, spread, table } from "./lib/stats.ts";
import type { Measured } from "./tokens/tokens.ts";

type Results = Record<string, Measured[]>;

const [asked, ...rest] = process.argv.slice(2);
const nodes = ["node20", "node24", "node26"];
const sizes = ["64", "512", "2560"];

if (asked === undefined || asked === "tokens") await tokens();
if (asked === undefined || asked === "http") program("http/http.ts");
if (asked === "profile") program("http/profile.ts");
if (asked === "inprocess") {
  // By one thread, whose time is the same whatever the other cores are doing.
  program("inprocess/inprocess.ts", rest, ["--single-threaded-gc"]);
}

function program(path: string, options: readonly string[] = [], flags: readonly string[] = []): void {
  const args = ["--conditions=flagon-source", ...flags, join(import.meta.dirname, path), ...options];
  execFileSync(process.execPath, args, { stdio: "inherit", env: { ...process.env, NODE_ENV: "production" } });
}

async function tokens(): Promise<void> {
  installRuntimes(nodes);
  const folder = join(import.meta.dirname, ".out");
  mkdirSync(folder, { recursive: true });
  try {
    const outfile = join(folder, "tokens.mjs");
    await build({
      entryPoints: [join(import.meta.dirname, "tokens/tokens.ts")],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      // Flagon alone goes into the bundle: its sources are TypeScript, which Node 20 does not run.
      alias: { flagon: join(import.meta.dirname, "../packages/flagon/src/index.ts") },
      logLevel: "error",
    });
    const flask = flaskResults();
    const all = new Map<string, Results>();
    for (const name of nodes) {
      const output = execFileSync(binaryOf(name), [outfile], { encoding: "utf8", maxBuffer: 2 ** 26 });
      const results = JSON.parse(output) as Results;
      for (const size of sizes) results[size]?.push(...(flask[size] ?? []));
      all.set(name, results);
    }
    const versions = nodes.map((name): Column => [`Node ${runtimes[name]?.version}`, all.get(name)?.["512"] ?? []]);
    const newest = sizes.map((size): Column => [`${size} bytes`, all.get(nodes.at(-1) ?? "")?.[size] ?? []]);
    console.log(`512 bytes of session, µs of processor time:\n\n${render(versions)}\n`);
    console.log(`Node ${runtimes[nodes.at(-1) ?? ""]?.version}, by size:\n\n${render(newest)}\n`);
    const lengths = names(versions).map((name) => [name, ...newest.map(([, measured]) => lengthOf(measured, name))]);
    console.log(`Characters in the cookie:\n\n${table(["", ...newest.map(([title]) => title)], lengths)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Column = readonly [title: string, measured: readonly Measured[]];

function render(columns: readonly Column[]): string {
  const head = ["", ...columns.flatMap(([title]) => [`${title}: open`, "open and change"])];
  return table(
    head,
    names(columns).map((name) => [name, ...columns.flatMap(([, measured]) => cells(measured, name))]),
  );
}

function names(columns: readonly Column[]): string[] {
  return columns[0]?.[1].map(({ name }) => name) ?? [];
}

/** Microseconds, and behind them how many times the limit's, round by round. */
function cells(measured: readonly Measured[], name: string): string[] {
  const [limit] = measured;
  const own = measured.find((each) => each.name === name);
  if (limit === undefined || own === undefined) return ["", ""];
  const cell = (mine: readonly number[], base: readonly number[]): string => {
    if (own === limit) return spread(mine, 1);
    const times = mine.map((each, i) => each / (base[i] ?? median(base)));
    return `${median(mine).toFixed(1)}, × ${spread(times)}`;
  };
  return [cell(own.open, limit.open), cell(own.change, limit.change)];
}

function lengthOf(measured: readonly Measured[], name: string): string {
  return String(measured.find((each) => each.name === name)?.length || "");
}

/** Flask's own, under the system's Python; nothing where it is not installed. */
function flaskResults(): Results {
  const input = JSON.stringify(Object.fromEntries(sizes.map((size) => [size, dataOf(Number(size))])));
  try {
    const script = join(import.meta.dirname, "tokens/flask_cookie.py");
    return JSON.parse(execFileSync("/usr/bin/python3", [script], { input, encoding: "utf8" })) as Results;
  } catch {
    console.error("without Flask: apt-get install python3-flask");
    return {};
  }
}
