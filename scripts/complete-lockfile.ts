/**
 * Adds to package-lock.json the packages for other platforms (a linter's binary for macOS, say) that npm left out of it.
 * npm leaves out what its registry did not have when the lockfile was written, as a mirror for one platform does not, and
 * `npm ci` then refuses the lockfile everywhere. Version, system and processor are known from the package that asks for
 * them; the hash is not, and npm takes it from the registry. Run it after adding a package; `npm run check` says when.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Entry {
  version?: string;
  resolved?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const path = join(import.meta.dirname, "..", "package-lock.json");
const lock = JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, Entry> };

const missing = missingPackages(lock.packages);
const hosts = Object.values(lock.packages).filter(({ resolved }) => resolved?.includes("://"));
if (process.argv.includes("--check")) {
  for (const name of Object.keys(missing)) console.error(`${name} is not in package-lock.json`);
  if (hosts.length > 0) console.error("package-lock.json names a registry's host; .npmrc keeps it from doing so");
  if (Object.keys(missing).length > 0) console.error("mend it with: node scripts/complete-lockfile.ts");
  process.exitCode = Object.keys(missing).length + hosts.length === 0 ? 0 : 1;
} else {
  const { "": root = {}, ...rest } = { ...lock.packages, ...missing };
  const sorted = Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = { "": root, ...Object.fromEntries(sorted) };
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`added ${Object.keys(missing).length} packages`);
}

function missingPackages(packages: Record<string, Entry>): Record<string, Entry> {
  const found: Record<string, Entry> = {};
  for (const [asking, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const isThere = packages[`node_modules/${name}`] ?? packages[`${asking}/node_modules/${name}`];
      const isExact = /^\d+\.\d+\.\d+/.test(version);
      if (!isThere && isExact) found[`node_modules/${name}`] = entryFor(name, version, entry.dev === true);
    }
  }
  return found;
}

/** The names say it all: `@biomejs/cli-linux-x64-musl`, `@oxc-parser/binding-win32-arm64-msvc`. */
function entryFor(name: string, version: string, dev: boolean): Entry {
  const parts = name.split(/[-/]/);
  const os = parts.filter((part) => /^(android|darwin|freebsd|linux|openharmony|win32)$/.test(part));
  const cpu = parts.filter((part) => /^(arm|arm64|ia32|loong64|ppc64|riscv64|s390x|wasm32|x64)$/.test(part));
  if (os.length !== 1 || cpu.length !== 1) throw new Error(`${name} does not say for which platform it is`);
  const libc = os[0] === "linux" ? parts.flatMap((part) => (/^(gnu|musl)/.exec(part) ?? []).slice(0, 1)) : [];
  return {
    version,
    cpu,
    ...(dev && { dev }),
    ...(libc[0] && { libc: [libc[0] === "gnu" ? "glibc" : "musl"] }),
    optional: true,
    os,
  };
}
