import { spawnSync } from "node:child_process";
import { provide } from "./provide.ts";
import { dataFolder, freePort, type Server, startServer } from "./server.ts";

export interface FlaskOptions {
  /** The file that holds `app` or `create_app`. */
  readonly app: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A Flask app on Flask's own server. */
export async function startFlask({ app, env = {} }: FlaskOptions): Promise<Server> {
  const port = await freePort();
  const flask = ["-m", "flask", "--app", app, "run", "--host", "127.0.0.1", "--port", String(port)];
  return await startServer(
    {
      command: await python(),
      args: ["-u", ...flask, "--no-reload", "--no-debugger"],
      env: { PYTHONDONTWRITEBYTECODE: "1", ...env },
      stopSignals: ["SIGTERM"],
      ready: /Running on http/,
    },
    { url: `http://127.0.0.1:${port}`, port, folder: dataFolder("flask") },
  );
}

/** Runs a Python program that can import flask, and returns what it printed. `input` is its standard input. */
export async function runPython(program: string, input = ""): Promise<string> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONIOENCODING: "utf-8" };
  const run = spawnSync(await python(), ["-c", program], { input, env, encoding: "utf8", maxBuffer: 2 ** 28 });
  if (run.status !== 0) throw new Error(`python failed:\n${run.stderr}`);
  return run.stdout;
}

/** A Python that has flask and flask-login. */
export async function python(): Promise<string> {
  const place = await provide("flask");
  return place.kind === "environment" ? place.value : place.kind === "program" ? place.path : "python3";
}
