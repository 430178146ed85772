import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("the type tests compile, and what must not compile does not", () => {
  const project = join(import.meta.dirname, "../packages/flagon/test/tsconfig.json");
  const { stdout } = spawnSync("tsc", ["--project", project, "--incremental", "false"], { encoding: "utf8" });
  expect(stdout).toBe("");
}, 120_000);
