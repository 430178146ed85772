import { readFileSync } from "node:fs";
import { secret } from "./secret.ts";
import { type ExitCode, processTerminal, type Terminal, UsageError } from "./terminal.ts";

const help = `flagon: sessions for TypeScript servers

  flagon secret            prints a new secret for createSessions({ secret })
  flagon inspect <cookie>  opens a session cookie, and says why it is refused
  flagon sessions <what>   the sessions in a store: list, revoke, prune, setup

  flagon <command> --help  what a command takes
  flagon --version
`;

/** Runs the command that the process was started with. */
export async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), processTerminal());
}

/** Runs one command; resolves its exit code and never rejects. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await dispatch(args, terminal);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    terminal.err(`flagon: ${error.message}\n`);
    return 2;
  }
}

async function dispatch([command, ...rest]: readonly string[], terminal: Terminal): Promise<ExitCode> {
  switch (command) {
    case "secret":
      if (isHelp(rest)) return tell(help, terminal);
      if (rest.length > 0) throw new UsageError("flagon secret takes nothing else");
      return secret(terminal);
    case "inspect": {
      const { inspect } = await import("./inspect.ts");
      return inspect(rest, terminal);
    }
    case "sessions": {
      const { sessions } = await import("./sessions.ts");
      return sessions(rest, terminal);
    }
    case "--version":
    case "-v":
      return tell(`${version()}\n`, terminal);
    case undefined:
      terminal.err(help);
      return 2;
    case "help":
    case "--help":
    case "-h":
      return tell(help, terminal);
    default:
      throw new UsageError(`there is no command ${JSON.stringify(command)}; flagon --help lists them`);
  }
}

function isHelp([first]: readonly string[]): boolean {
  return first === "--help" || first === "-h";
}

function tell(text: string, terminal: Terminal): ExitCode {
  terminal.out(text);
  return 0;
}

function version(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return manifest.version;
}
