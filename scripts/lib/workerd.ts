import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";

/** The behaviour that a Worker asks for. `nodejs_compat` has what Flagon needs since the first of these dates. */
export const compatibilityDates = ["2024-09-23", "2026-11-01"] as const;

/** From here on nodejs_compat is the default, and naming it is a warning. */
const NODE_BY_DEFAULT = "2026-08-04";

const configFor = (date: string): string => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")],
  compatibilityDate = "${date}",
  compatibilityFlags = [${date < NODE_BY_DEFAULT ? '"nodejs_compat"' : ""}],
  bindings = [
    (name = "KNOWN_ANSWERS", text = embed "known-answers.json"),
    (name = "FLASK_COOKIES", text = embed "flask-cookies.json"),
  ],
);
`;

export interface RunningWorker extends AsyncDisposable {
  readonly url: string;
  /** What workerd has said so far. */
  output(): string;
}

/** Serves `worker.mjs` in the folder, with the vectors beside it as bindings. */
export async function startWorkerd(binary: string, folder: string, date: string): Promise<RunningWorker> {
  writeFileSync(join(folder, "config.capnp"), configFor(date));
  const child = spawn(binary, ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk));
  const exited = once(child, "exit");
  const port = await Promise.race([portOf(child.stdio[3] as Readable), exited.then(() => 0)]);
  if (port === 0) throw new Error(`workerd did not start:\n${output}`);
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

/** It says on its control channel where it listens, as a line of JSON. */
async function portOf(control: Readable): Promise<number> {
  let text = "";
  for await (const chunk of control) {
    text += chunk;
    const port = /"event":"listen".*?"port":(\d+)/.exec(text)?.[1];
    if (port !== undefined) return Number(port);
  }
  return 0;
}
