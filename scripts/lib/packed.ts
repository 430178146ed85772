/** The package as it is published, and empty folders to install it into: for the checks that stand where a user stands. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root: string = join(import.meta.dirname, "../..");

export interface Ran {
  readonly status: number;
  /** What it said on both channels. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Else a program that fails ends this one too. */
  readonly mayFail?: boolean;
}

export function run(command: string, args: readonly string[], options: RunOptions): Ran {
  const { cwd, env = {}, timeoutMs = 300_000, mayFail = false } = options;
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: {
      ...process.env,
      NO_UPDATE_NOTIFIER: "1",
      NEXT_TELEMETRY_DISABLED: "1",
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
  });
  const output = `${stdout ?? ""}${stderr ?? ""}${error === undefined ? "" : `${error.message}\n`}`;
  if (status === 0 || mayFail) return { status: status ?? 1, output };
  throw new Error(`${command} ${args.join(" ")} failed (${status})\n${output}`);
}

/** Packs the package into `folder`, which builds it; returns the tarball's path. */
export function packFlagon(folder: string): string {
  run("npm", ["pack", "--workspace=flagon", `--pack-destination=${folder}`, "--loglevel=error"], { cwd: root });
  const tarball = readdirSync(folder).find((name) => /^flagon-.*\.tgz$/.test(name));
  if (tarball === undefined) throw new Error("npm pack made nothing");
  return join(folder, tarball);
}

export interface EmptyProject extends Disposable {
  readonly folder: string;
}

/** As `npm init` leaves it, and outside the workshop, whose node_modules would help out. Removed when it goes out of use. */
export function emptyProject(prefix: string): EmptyProject {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "newcomer", private: true, type: "module" }));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
