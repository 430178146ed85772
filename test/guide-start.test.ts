import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { programsOf } from "./support/programs.ts";

const root = join(import.meta.dirname, "..");
const SECRET = "p7Qw-2ZrT.s9Vb4_XcK1~mHy6!dLf0Gj";

describe("docs/guide.md, at the start", () => {
  const folder = mkdtempSync(join(tmpdir(), "flagon-start-"));
  for (const [file, code] of programsOf("docs/guide.md", "At the start")) writeFileSync(join(folder, file), code);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function start(env: Record<string, string>): { status: number | null; stdout: string; stderr: string } {
    const script = 'import("./start.ts").then(({ server }) => console.log(typeof server.listen))';
    return spawnSync(process.execPath, ["--conditions=flagon-source", "--eval", script], {
      cwd: folder,
      env: { PATH: process.env.PATH, NODE_ENV: "development", ...env },
      encoding: "utf8",
    });
  }

  test("the program starts with a secret and a store", () => {
    expect(start({ SESSION_SECRET: SECRET })).toMatchObject({ status: 0, stdout: "function\n" });
  });

  test("it ends at once without a secret, and says what to do", () => {
    expect(start({})).toMatchObject({ status: 1, stderr: expect.stringContaining("npx flagon secret") });
  });

  test("the table has each warning that a process can give", () => {
    const guide = readFileSync(join(root, "docs/guide.md"), "utf8");
    const { stdout } = spawnSync("git", ["grep", "-hoE", '"FLAGON_[A-Z_]+"', "--", "packages/flagon/src"], {
      cwd: root,
      encoding: "utf8",
    });
    const codes = new Set(
      stdout
        .trim()
        .split("\n")
        .map((code) => code.slice(1, -1)),
    );
    expect(codes.size).toBeGreaterThan(7);
    for (const code of codes) expect(guide).toContain(`| \`${code}\``);
  });
});
