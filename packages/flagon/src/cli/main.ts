import { secret } from "./secret.ts";
import { type ExitCode, processTerminal, type Terminal, UsageError } from "./terminal.ts";

const help = `flagon: sessions for TypeScript servers

  flagon secret     prints a new secret for createSessions({ secret })

  flagon --help     this text
  flagon --version  the version
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
      if (rest.length > 0) throw new UsageError("flagon secret takes nothing else");
      return secret(terminal);
    case undefined:
      terminal.err(help);
      return 2;
    case "help":
    case "--help":
    case "-h":
      terminal.out(help);
      return 0;
    default:
      throw new UsageError(`there is no command ${JSON.stringify(command)}; flagon --help lists them`);
  }
}
