import { mkdirSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createAdaptorServer } from "@hono/node-server";
import { countAttempts, countSignUps } from "./accounts/attempts.ts";
import { knownDevices } from "./accounts/known-devices.ts";
import { openUsers } from "./accounts/users.ts";
import { createApp } from "./app.tsx";
import { readConfig } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { openSessionBackend } from "./session-backend.ts";

/** Starts the app, says where it is, and stops at once on Ctrl-C. */
export async function start(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    const config = readConfig(env);
    mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(join(config.dataFolder, "app.db"));
    database.exec("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 5000");
    const users = openUsers(database);
    const backend = await openSessionBackend(config, database);
    const app = createApp({
      config,
      backend,
      users,
      attempts: countAttempts(),
      knownDevices: knownDevices(config.secret, Date.now),
      signUps: countSignUps(),
      now: Date.now,
    });
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    // Node closes an idle connection after five seconds, maybe just as the browser sends its next request on it.
    server.keepAliveTimeout = 65_000;
    const port = await listen(server, config.host, config.port);
    // Before the line is out: whoever reads it may press Ctrl-C at once.
    stopOnSignals(server, database);
    if (config.secretNote !== null) console.log(config.secretNote);
    console.log(`Flagon example  http://${hostForPeople(config.host)}:${port}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

const firstPort = 3_000;

/** The port that was taken: the wished one, else the first free one from 3000 on. */
async function listen(server: Server, host: string, wished: number | null): Promise<number> {
  if (wished !== null) {
    if (await tryPort(server, host, wished)) return portOf(server);
    throw new ConfigError(`Port ${wished} is taken. Set PORT to another one, or leave it out to have one picked.`);
  }
  for (let port = firstPort; port < firstPort + 20; port += 1) {
    if (await tryPort(server, host, port)) return port;
  }
  await tryPort(server, host, 0);
  return portOf(server);
}

function tryPort(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE") {
        resolve(false);
        return;
      }
      const reason = error.code === "EACCES" ? "this user may not open it" : error.message;
      reject(new ConfigError(`Can't listen on ${host}:${port}: ${reason}`));
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      resolve(true);
    });
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function hostForPeople(host: string): string {
  if (["127.0.0.1", "0.0.0.0", "::", "::1"].includes(host)) return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}

function stopOnSignals(server: Server, database: DatabaseSync): void {
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
    database.close();
    process.exit(0);
  };
  // Not `once`: npm passes Ctrl-C on to a process that the terminal has told already, and the second would kill it.
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}
