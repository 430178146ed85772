/**
 * Runs the suite in packages/flagon/test/runtimes on every runtime, against the package as it is published: packed, and
 * installed into an empty folder. The runtimes come from npm, into a cache of their own and not into the workshop.
 *
 *   npm run test:runtimes                all of them
 *   npm run test:runtimes -- node20 bun  some
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { emptyProject, packFlagon, root, run } from "./lib/packed.ts";
import { binaryOf, installRuntimes, type Runtime, runtimes } from "./lib/runtime-packages.ts";
import { compatibilityDates, startWorkerd } from "./lib/workerd.ts";

const vectors = join(root, "packages/flagon/test/vectors");
const suite = join(root, "packages/flagon/test/runtimes");

/** Each is loaded by `require` too, which Node can do with ES modules from 20.19 on; but Next's needs Next beside it. */
const { exports: entries }: { exports: object } = JSON.parse(
  readFileSync(join(root, "packages/flagon/package.json"), "utf8"),
);
const entryPaths = Object.keys(entries).flatMap((path) =>
  path === "./package.json" || path === "./next" ? [] : [path.slice(1)],
);

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in runtimes));
if (unknown !== undefined) {
  console.error(`${unknown} is none of ${Object.keys(runtimes).join(", ")}`);
  process.exit(2);
}
const chosen = Object.entries(runtimes).filter(([name]) => asked.length === 0 || asked.includes(name));

using project = emptyProject("flagon-runtimes-");
const total = { passed: 0, failed: 0 };
install();
await writeSuite();
for (const [name, runtime] of chosen) {
  const start = performance.now();
  const { passed, failed, output } = name === "workerd" ? await onWorkerd() : onProcess(name, runtime);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `${failed === 0 ? "✓" : "✗"} ${`${name} ${runtime.version}`.padEnd(22)} ${passed} passed, ${failed} failed (${seconds} s)`,
  );
  if (failed > 0) console.log(output.replace(/^/gm, "    "));
  total.passed += passed;
  total.failed += failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** The package into the project, and the runtimes into their cache. */
function install(): void {
  run("npm", ["install", packFlagon(project.folder), "--loglevel=error"], { cwd: project.folder });
  installRuntimes(chosen.map(([name]) => name));
}

/** The suite as one file beside the installed package; then, for Workers, with the package in it. */
async function writeSuite(): Promise<void> {
  const { folder } = project;
  const shared = { bundle: true, format: "esm", target: "es2022", logLevel: "error" } as const;
  for (const entry of ["process-entry", "workers-entry"]) {
    const outfile = join(folder, `${entry}.mjs`);
    const external = ["flagon", "flagon/*", "node:*"];
    await build({ ...shared, entryPoints: [join(suite, `${entry}.ts`)], outfile, external });
  }
  const entryPoints = [join(folder, "workers-entry.mjs")];
  const conditions = ["workerd", "worker", "browser"];
  await build({ ...shared, entryPoints, outfile: join(folder, "worker.mjs"), external: ["node:*"], conditions });
  for (const file of [join(vectors, "known-answers.json"), join(suite, "flask-cookies.json")]) {
    writeFileSync(join(folder, file.split(/[\\/]/).at(-1) ?? ""), readFileSync(file));
  }
}

interface Count {
  passed: number;
  failed: number;
  output: string;
}

function onProcess(name: string, runtime: Runtime): Count {
  const { folder } = project;
  const binary = binaryOf(name);
  const args = [...(runtime.args ?? []), join(folder, "process-entry.mjs"), folder];
  const { status, output } = run(binary, args, { cwd: folder, mayFail: true, timeoutMs: 180_000 });
  const [, passed = 0, failed = 1] = (/^(\d+) passed, (\d+) failed$/m.exec(output) ?? []).map(Number);
  const count = { passed, failed: status === 0 || failed > 0 ? failed : 1, output };
  const checks: [string, string[]][] = [
    ["command line", [join(folder, "node_modules/flagon/bin/flagon.js"), "secret"]],
  ];
  if (name.startsWith("node")) {
    checks.push(
      ...entryPaths.map((path): [string, string[]] => [`require("flagon${path}")`, ["-e", `require("flagon${path}")`]]),
    );
  }
  for (const [title, parameters] of checks) {
    const check = run(binary, [...(runtime.args ?? []), ...parameters], {
      cwd: folder,
      mayFail: true,
      timeoutMs: 30_000,
    });
    const isGood = check.status === 0 && (title !== "command line" || /^[\w-]{43}\s*$/.test(check.output));
    if (isGood) count.passed++;
    else {
      count.failed++;
      count.output += `\n✗ ${title}\n${check.output}`;
    }
  }
  return count;
}

/** Over real requests: Workers can't be asked otherwise. */
async function onWorkerd(): Promise<Count> {
  const counts: Count[] = [];
  for (const date of compatibilityDates) counts.push(await onWorkerdOf(date));
  return {
    passed: counts.reduce((sum, { passed }) => sum + passed, 0),
    failed: counts.reduce((sum, { failed }) => sum + failed, 0),
    output: counts.map(({ output }) => output).join("\n"),
  };
}

async function onWorkerdOf(date: string): Promise<Count> {
  const failures: string[] = [];
  let passed = 0;
  await using worker = await startWorkerd(binaryOf("workerd"), project.folder, date);
  const note = (name: string, failure: string | null): void => {
    if (failure === null) passed++;
    else failures.push(`✗ ${name} (compatibility date ${date})\n${failure}\n`);
  };
  const response = await fetch(`${worker.url}/suite`);
  const outcomes = response.ok ? ((await response.json()) as { name: string; failure: string | null }[]) : null;
  if (outcomes === null) note("the suite", `${response.status} ${await response.text()}`);
  for (const { name, failure } of outcomes ?? []) note(name, failure);
  for (const path of ["/sealed", "/stored", "/revocable", "/flask"]) {
    note(`sessions made while the module loads: ${path}`, await counts(`${worker.url}${path}`));
  }
  note("requests at once share a module's store", await countsAtOnce(`${worker.url}/stored`));
  return {
    passed,
    failed: failures.length,
    output: failures.join("\n") + (failures.length === 0 ? "" : worker.output()),
  };
}

async function visit(url: string, cookie: string): Promise<{ text: string; cookie: string }> {
  const headers: Record<string, string> = cookie === "" ? {} : { cookie };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(15_000) });
  return { text: await response.text(), cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie };
}

/** Null when three requests in a row were counted; else what was answered. */
async function counts(url: string): Promise<string | null> {
  let cookie = "";
  for (const expected of ["1", "2", "3"]) {
    const answer = await visit(url, cookie).catch((error: unknown) => ({ text: String(error), cookie }));
    if (answer.text !== expected) return `expected ${expected}, got ${answer.text}`;
    cookie = answer.cookie;
  }
  return null;
}

async function countsAtOnce(url: string): Promise<string | null> {
  const { cookie } = await visit(url, "");
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => visit(url, cookie)));
  const lost = answers.find(({ status }) => status === "rejected");
  if (lost !== undefined) return String((lost as PromiseRejectedResult).reason);
  const { text } = await visit(url, cookie);
  return text === "22" ? null : `expected 22, got ${text}`;
}
