import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { dockerProgram } from "./docker.ts";
import { provide } from "./provide.ts";
import { dataFolder, foreignServer, freePort, type Server, startServer } from "./server.ts";

export interface PostgresOptions {
  /** Started here even when the environment names one, for tests that kill it. */
  readonly own?: boolean;
  /** Each commit is flushed to disk (fsync on); a `kill9` alone loses nothing without it. */
  readonly durable?: boolean;
  /** Further settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL of the test's own, empty; user and database are there. `FLAGON_TEST_POSTGRES_URL` names another one. */
export async function startPostgres({
  own = false,
  durable = false,
  settings = {},
}: PostgresOptions = {}): Promise<Server> {
  const place = await provide("postgres");
  if (place.kind === "environment" && !own) return foreignServer(place.value);

  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const all = {
    port: String(port),
    max_connections: "300",
    fsync: durable ? "on" : "off",
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  // SIGTERM lets clients that are going go first; SIGINT waits for none.
  const common = {
    stopSignals: ["SIGTERM", "SIGINT"],
    ready: /database system is ready to accept connections/,
  } as const;
  if (place.kind === "docker") {
    const env = { POSTGRES_HOST_AUTH_METHOD: "trust", PGPORT: String(port) };
    const program = dockerProgram("postgres:17", port, ["postgres", ...flags], env);
    // The image first starts a server of its own that nobody can reach, to set things up.
    const ready = /init process complete.*ready to accept|Skipping initialization.*ready to accept/s;
    return await startServer({ ...program, ...common, ready }, { url, port, folder: dataFolder("postgres") });
  }

  const command = place.kind === "program" ? place.path : "postgres";
  const user = unprivileged();
  const folder = dataFolder("postgres", user);
  const data = join(folder, "data");
  try {
    const options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
    const initdb = join(dirname(command), "initdb");
    execFileSync(initdb, ["-D", data, ...options], { cwd: folder, stdio: ["ignore", "ignore", "pipe"], ...user });
    const where = ["-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="];
    return await startServer({ command, args: [...where, ...flags], user, ...common }, { url, port, folder });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody`. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return;
  const number = (flag: string, name: string) =>
    Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: number("-u", name), gid: number("-g", name) };
    } catch {
      // No such user here.
    }
  }
  throw new Error("PostgreSQL does not run as root, and there is neither a user postgres nor nobody");
}
