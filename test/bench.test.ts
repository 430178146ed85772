import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

/** The first cell of each row. How much time anything took is nothing a test can hold. */
function bench(...options: string[]): string[] {
  const args = [
    "--conditions=flagon-source",
    "bench/run.ts",
    "inprocess",
    "--rounds=2",
    "--milliseconds=1",
    ...options,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  expect(stdout).not.toContain("NaN");
  return [...stdout.matchAll(/^\| ([^|-]+) \|/gm)].map(([, name = ""]) => name.trim()).filter((name) => name !== "");
}

test("the bench within one process measures Flagon, the bare calls and the peers", () => {
  const names = bench();
  expect(names.filter((name) => name === "no session")).toHaveLength(2);
  expect(names.filter((name) => name.startsWith("by hand:"))).toHaveLength(2);
  for (const name of ["Flagon", "Flagon, memoryStore"]) expect(names).toContain(name);
}, 60_000);

test("the bench within one process measures this checkout beside another", () => {
  const names = bench("--against", "packages/flagon", "--processes=2");
  expect(names).toContain("Flagon: read");
  expect(names).toContain("Flagon, memoryStore: write");
}, 60_000);
