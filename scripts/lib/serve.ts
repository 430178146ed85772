import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

export interface Running extends AsyncDisposable {
  readonly url: string;
}

/** Runs a shell script that ends in a server, and waits until that answers. Rejects with what it said when it does not. */
export async function serve(
  script: string,
  { cwd, env, port }: { cwd: string; env: Readonly<Record<string, string>>; port: number },
): Promise<Running> {
  // A process group of its own: npm and the framework's tools start the server as a child of a child.
  const child = spawn("bash", ["-c", script], { cwd, env: { ...process.env, ...env }, detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk;
    });
  }
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    await exited;
  };
  const url = `http://127.0.0.1:${port}/`;
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended (${child.exitCode}):\n${output}`);
    if (await answers(url)) return { url, [Symbol.asyncDispose]: stop };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await stop();
  throw new Error(`nothing answered on port ${port}:\n${output}`);
}

function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(10_000) }).then(
    async (response) => {
      await response.arrayBuffer();
      return true;
    },
    () => false,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}
