import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const tools = new URL("../../../../node_modules/.bin/", import.meta.url);
const apps = new URL("./apps/", import.meta.url);
const built = new URL("./apps/.built/", import.meta.url);
const loader: string = "data:text/javascript,export const load = (url) => import(url)";

/** Makes an app's production build as its developer does, by the framework's own command in the app's folder. */
export async function build(app: string, tool: string, ...args: string[]): Promise<void> {
  await rm(new URL(app, built), { recursive: true, force: true });
  const cwd = fileURLToPath(new URL(app, apps));
  const quiet = { NODE_OPTIONS: "", VITEST: "", NEXT_TELEMETRY_DISABLED: "1" };
  const env = { ...process.env, ...quiet, NODE_ENV: "production" as const };
  const run = promisify(execFile);
  try {
    await run(fileURLToPath(new URL(tool, tools)), args, { cwd, env });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${tool} ${args.join(" ")} failed:\n${stdout ?? ""}\n${stderr ?? ""}`, { cause: error });
  }
}

/** Imports what was built as Node does it, past the test runner, which would transform it once more. */
export async function importBuilt<T>(file: string): Promise<T> {
  const { load }: { load(url: string): Promise<T> } = await import(loader);
  return await load(pathToFileURL(`${fileURLToPath(built)}${file}`).href);
}
