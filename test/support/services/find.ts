import { spawnSync } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";

export type ServiceName = "redis" | "postgres" | "chromium" | "flask" | "nginx";

interface Service {
  readonly title: string;
  /** The environment variable that says where the service is, when it is not for us to find or start. */
  readonly variable: string;
  /** Debian's packages. */
  readonly packages: readonly string[];
  /** The path of the program, or null. Asked anew each time: it may have been installed meanwhile. */
  find(): string | null;
}

/** The services that tests use, and how each is found on a machine. */
export const services: Record<ServiceName, Service> = {
  redis: {
    title: "Redis",
    variable: "FLAGON_TEST_REDIS_URL",
    packages: ["redis-server"],
    find: () => onPath("redis-server") ?? onPath("valkey-server"),
  },
  postgres: {
    title: "PostgreSQL",
    variable: "FLAGON_TEST_POSTGRES_URL",
    packages: ["postgresql"],
    find: () => newestPostgres() ?? onPath("postgres"),
  },
  chromium: {
    title: "Chromium",
    variable: "FLAGON_TEST_CHROMIUM",
    packages: ["chromium", "fonts-liberation"],
    find: () => findChromium(),
  },
  flask: {
    title: "Flask (python3 with flask and flask-login)",
    variable: "FLAGON_TEST_PYTHON",
    packages: ["python3", "python3-flask", "python3-flask-login"],
    // Debian's own Python first: it is the one that Debian's flask belongs to.
    find: () => [...executable("/usr/bin/python3"), ...all(onPath("python3"))].find(hasFlask) ?? null,
  },
  nginx: {
    title: "nginx",
    variable: "FLAGON_TEST_NGINX",
    packages: ["nginx"],
    // Debian keeps it where only root's PATH leads.
    find: () => onPath("nginx") ?? executable("/usr/sbin/nginx")[0] ?? null,
  },
};

/** The program `name` in a folder of PATH, or null. */
export function onPath(name: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.flatMap((folder) => executable(join(folder, name)))[0] ?? null;
}

/** Debian keeps PostgreSQL's programs off the PATH, one folder for each version. */
function newestPostgres(): string | null {
  const root = "/usr/lib/postgresql";
  const versions = list(root).sort((a, b) => Number(b) - Number(a));
  return versions.flatMap((version) => executable(join(root, version, "bin", "postgres")))[0] ?? null;
}

function findChromium(): string | null {
  const apps = ["Google Chrome", "Chromium"].map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`);
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  return names.map(onPath).find((path) => path !== null) ?? apps.flatMap(executable)[0] ?? null;
}

function hasFlask(python: string): boolean {
  return spawnSync(python, ["-c", "import flask, flask_login"]).status === 0;
}

function executable(path: string): string[] {
  try {
    accessSync(path, constants.X_OK);
    return [path];
  } catch {
    return [];
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function all(path: string | null): string[] {
  return path === null ? [] : [path];
}
