import { execFileSync } from "node:child_process";
import type { Program } from "./server.ts";

/** A container of `image` that listens on `port`, made but not started; its data lasts until it is removed. */
export function dockerProgram(
  image: string,
  port: number,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Pick<Program, "command" | "args" | "signal" | "cleanUp"> {
  const variables = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const publish = ["--publish", `127.0.0.1:${port}:${port}`];
  const id = docker("create", ...publish, ...variables, image, ...command).trim();
  return {
    command: "docker",
    args: ["start", "--attach", id],
    // The process started here is only Docker's client.
    signal: (name) => docker("kill", "--signal", name, id),
    cleanUp: () => docker("rm", "--force", "--volumes", id),
  };
}

function docker(...args: string[]): string {
  return execFileSync("docker", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
