/** What a command is given of the world, so that a test can be the world. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether what goes to stdout is read by a person at a terminal that shows colours. */
  readonly colours: boolean;
  /** How many characters fit on a line; 80 where nobody knows. */
  readonly columns: number;
  /** Milliseconds since 1970. */
  now(): number;
  /** The answer: what a pipe is given. */
  out(text: string): void;
  /** What is said beside the answer. */
  err(text: string): void;
  /** Whether stdin is another program's, or a file. */
  readonly isPiped: boolean;
  /** Everything on stdin. */
  input(): Promise<string>;
}

/** 0: done, or a server would take the cookie. 1: a server would refuse it, or there is no such session. 2: it could not be tried. */
export type ExitCode = 0 | 1 | 2;

/** A mistake in how the command was called, or something it needs and can't have: said in one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The process's own terminal. Colours: only on a terminal, and not with NO_COLOR (no-color.org) or a dumb one. */
export function processTerminal(): Terminal {
  const { env, stdin, stdout, stderr } = process;
  return {
    env,
    cwd: process.cwd(),
    colours: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb",
    columns: stdout.columns ?? 80,
    isPiped: stdin.isTTY !== true,
    now: Date.now,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    async input() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of stdin) chunks.push(chunk);
      return Buffer.concat(chunks).toString("utf8");
    },
  };
}
