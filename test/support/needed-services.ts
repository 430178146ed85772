import { readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import type { TestProject } from "vitest/node";
import type { ServiceName } from "./services/find.ts";
import { provide } from "./services/provide.ts";

const starters: Record<string, ServiceName> = {
  startRedis: "redis",
  startRedisCluster: "redis",
  startPostgres: "postgres",
  startChromium: "chromium",
  chromiumOptions: "chromium",
  openProfile: "chromium",
  startFlask: "flask",
  runPython: "flask",
  python: "flask",
  startNginx: "nginx",
};

/**
 * Before the first test: finds, or installs, the services that the test files of this run use, so that no test waits for
 * an installation within its own time. What can't be had is left to the tests, which fail or skip with the reason.
 */
export default async function setup(project: TestProject): Promise<void> {
  // What was named on the command line; Vitest tells it to nobody officially, and without it all files count.
  const named: unknown = Reflect.get(project.vitest, "filenamePattern");
  const { testFiles } = await project.globTestFiles(Array.isArray(named) ? named : []);
  const seen = new Set<string>();
  const needed = new Set(testFiles.flatMap((file) => servicesOf(file, seen)));
  for (const name of needed) await provide(name).catch((error: Error) => console.error(error.message));
}

/** Follows the file's relative imports, so that helpers count too, up to this folder's own services. */
function servicesOf(file: string, seen: Set<string>): ServiceName[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const text = read(file);
  const imports = [...text.matchAll(/^import\b([^;]*?)\bfrom\s+"(\.[^"]+)"/gms)];
  return imports.flatMap(([, names = "", path = ""]) => {
    const target = join(dirname(file), path);
    if (!dirname(target).endsWith(join("test", "support", "services"))) return servicesOf(target, seen);
    return [...names.matchAll(/\w+/g)].flatMap(([name]) => starters[name] ?? []);
  });
}

function read(file: string): string {
  try {
    return readFileSync(file.replaceAll("/", sep), "utf8");
  } catch {
    return "";
  }
}
