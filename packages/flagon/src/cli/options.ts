import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type ParseArgsConfig, parseArgs, parseEnv } from "node:util";
import { KeyRing } from "../crypto/keys.ts";
import { readPublicId } from "../formats/public-id.ts";
import { type Lifetime, Lifetimes } from "../state/lifetime.ts";
import type { Duration } from "../util/duration.ts";
import { type Terminal, UsageError } from "./terminal.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<O extends Options> = ReturnType<typeof parseArgs<{ options: O; allowPositionals: true }>>;

/** Where the secrets are looked for. Never on the command line: other users and the shell's history would see them. */
export const secretOptions = {
  "secret-env": { type: "string", multiple: true },
  "secret-file": { type: "string", multiple: true },
  dotenv: { type: "string" },
} as const;

/** What the app's `createSessions` was told, where that is not the default. */
export const appOptions = {
  app: { type: "string" },
  idle: { type: "string" },
  absolute: { type: "string" },
  "permanent-idle": { type: "string" },
  "permanent-absolute": { type: "string" },
} as const;

export const storeOptions = {
  store: { type: "string" },
  table: { type: "string" },
  prefix: { type: "string" },
} as const;

/** The arguments by name. Throws a {@link UsageError} for an option that is not there, and for a `--secret` with its reason. */
export function parse<O extends Options>(args: readonly string[], options: O): Parsed<O> {
  const asked = args.find((arg) => /^--(?:secret|secret=.*)$/.test(arg));
  if (asked !== undefined) {
    throw new UsageError(
      "a secret on the command line is seen by others on this machine and kept by the shell; set SESSION_SECRET, or pass --secret-file",
    );
  }
  if (args.some((arg) => /^--env-file(=|$)/.test(arg))) {
    throw new UsageError("Node takes --env-file for itself, wherever it stands; pass --dotenv");
  }
  // An id may begin with "-": what can be one and is no option is one.
  const isId = (arg: string): boolean =>
    arg.startsWith("-") && readPublicId(arg) !== null && !(arg.slice(2) in options);
  const [ids, rest] = [args.filter(isId), args.filter((arg) => !isId(arg))];
  try {
    return parseArgs({ args: ids.length === 0 ? rest : [...rest, "--", ...ids], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error));
  }
}

/** The terminal, with the variables of a file that was named over its own. */
export function withDotenv({ dotenv }: { readonly dotenv?: string | undefined }, terminal: Terminal): Terminal {
  if (dotenv === undefined) return terminal;
  return { ...terminal, env: { ...terminal.env, ...parseEnv(readText(dotenv, terminal)) } };
}

export type SecretChoice = { readonly [name in "secret-env" | "secret-file"]?: string[] | undefined };

/** The secrets, newest first; empty when there is none. */
export function readSecrets(choice: SecretChoice, terminal: Terminal): string[] {
  const { "secret-env": names = ["SESSION_SECRET"], "secret-file": files = [] } = choice;
  const fromFiles = files.flatMap((file) => {
    const lines = linesOf(readText(file, terminal));
    if (lines.length === 0) throw new UsageError(`${file} holds no secret`);
    return lines;
  });
  if (fromFiles.length > 0 && choice["secret-env"] === undefined) return fromFiles;
  const fromEnv = names.map((name) => {
    const value = terminal.env[name];
    if (choice["secret-env"] !== undefined && !value) throw new UsageError(`${name} is not set`);
    return value ?? "";
  });
  return [...fromFiles, ...fromEnv].filter((text) => text !== "");
}

/** Null when there is no secret. Throws a {@link UsageError} for one that `createSessions` would refuse. */
export function ringOf(secrets: readonly string[], app: string | undefined): KeyRing | null {
  if (secrets.length === 0) return null;
  return orUsageError(() => new KeyRing(secrets, app ?? ""));
}

export type LifetimeChoice = {
  readonly [name in "idle" | "absolute" | "permanent-idle" | "permanent-absolute"]?: string;
};

export function lifetimesOf(choice: LifetimeChoice): Lifetimes {
  const { idle, absolute, "permanent-idle": permanentIdle, "permanent-absolute": permanentAbsolute } = choice;
  return orUsageError(() => new Lifetimes(limits(idle, absolute), limits(permanentIdle, permanentAbsolute)));
}

function limits(idle: string | undefined, absolute: string | undefined): Lifetime {
  return {
    ...(idle !== undefined && { idle: duration(idle) }),
    ...(absolute !== undefined && { absolute: duration(absolute) }),
  };
}

/** As in `createSessions`: "30m", or a number of seconds. What is neither is refused there. */
function duration(text: string): Duration {
  return /^\d+$/.test(text) ? Number(text) : (text as Duration);
}

/** A `TypeError` of the library is a mistake in how the command was called. */
export function orUsageError<Result>(make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error;
  }
}

function readText(file: string, terminal: Terminal): string {
  try {
    return readFileSync(resolve(terminal.cwd, file), "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    throw new UsageError(`${file} can't be read${code === "" ? "" : ` (${code})`}`);
  }
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => line.trim() || []);
}
