/** Everything that can be said about the sources and the package without running a test. Stops at the first failure. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const packed = mkdtempSync(join(tmpdir(), "flagon-pack-"));

try {
  step("lockfile", "node", "scripts/complete-lockfile.ts", "--check");
  step("lockfile agrees with package.json", "npm", "ci", "--dry-run", "--ignore-scripts", "--loglevel=error");
  step("format and lint", "biome", "ci", "--colors=off", "--error-on-warnings", ".");
  step("which way imports go", "node", "scripts/layers.ts");
  step("types", "tsc", "--build");
  step("types of examples/saas by itself, from nothing", "tsc", "--project", "examples/saas", "--incremental", "false");
  step("API reference is current", "node", "scripts/api-reference.ts", "--check");
  step("jsr.json is current", "node", "scripts/jsr.ts", "--check");
  step("unused files, exports and dependencies", "knip");
  // Packing builds, in a clone that has nothing yet as well.
  rmSync(join(root, "packages/flagon/dist"), { recursive: true, force: true });
  step("build and pack", "npm", "pack", "--workspace=flagon", `--pack-destination=${packed}`, "--loglevel=error");
  const tarball = join(packed, readdirSync(packed)[0] ?? "");
  step("package (publint)", "publint", "run", tarball, "--strict");
  step("package's types (attw)", "attw", tarball, "--profile=esm-only", "--no-emoji");
  step("size", "node", "scripts/size.ts");
} finally {
  rmSync(packed, { recursive: true, force: true });
}

/** Says nothing but that it passed, unless it did not. The size is what one wants to read either way. */
function step(name: string, command: string, ...args: string[]): void {
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (status === 0) {
    console.log(`✓ ${name} (${seconds} s)`);
    if (name === "size") console.log(stdout);
    return;
  }
  console.log(`✗ ${name}: ${[command, ...args].join(" ")}\n\n${error?.message ?? ""}${stdout}${stderr}`);
  rmSync(packed, { recursive: true, force: true });
  process.exit(1);
}
