import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/** What the compiler has to say about the folder; nothing when all is well. */
function complaints(folder: string): string {
  const project = fileURLToPath(new URL(folder, import.meta.url));
  const root = fileURLToPath(new URL("../../../..", import.meta.url));
  const args = ["tsc", "--pretty", "false", "--incremental", "false", "--project", project];
  const run = spawnSync("npx", args, { cwd: root, encoding: "utf8", shell: process.platform === "win32" });
  if (run.error !== undefined) throw run.error;
  return run.stdout + run.stderr;
}

describe("types", { timeout: 120_000 }, () => {
  test("of a session come from its parameter, from a schema, or are unknown; options are checked", () => {
    expect(complaints(".")).toBe("");
  });

  test("of a session come from Register, in every adapter", () => {
    expect(complaints("register")).toBe("");
  });

  test("that are wrong are found, so that silence means something", () => {
    expect(complaints("wrong")).toMatch(/not-the-type\.ts\(4,\d+\): error TS2322/);
  });
});
