import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe } from "vitest";
import { onPath } from "../../../../test/support/services/find.ts";

const script = fileURLToPath(new URL("make_known_answers.py", import.meta.url));
const python = onPath("python3");

/**
 * `describe`, for tests that run the script. A machine without Python skips them, and says so; where CI is set they fail
 * instead.
 */
export function describeWithPython(title: string, tests: () => void): void {
  if (python !== null || process.env.CI) {
    describe(title, tests);
    return;
  }
  console.warn("SKIPPED: what needs python3, which is not on this machine's PATH");
  describe.skip(`${title} (needs python3)`, tests);
}

/** What the script prints. */
export function runScript(args: readonly string[] = [], input = ""): string {
  if (python === null) throw new Error("python3 is not on this machine's PATH");
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONIOENCODING: "utf-8" };
  const run = spawnSync(python, ["-I", script, ...args], { input, env, encoding: "utf8", maxBuffer: 2 ** 26 });
  if (run.status !== 0) throw new Error(`the script failed:\n${run.stderr}`);
  return run.stdout;
}

/** Has the script open what Flagon made: one answer for each question. */
export function askPython(questions: readonly object[]): Record<string, unknown>[] {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join("");
  const lines = runScript(["open"], input).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
