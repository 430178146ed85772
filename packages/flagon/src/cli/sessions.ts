import type { SessionInfo } from "../backends/backend.ts";
import { readPublicId } from "../formats/public-id.ts";
import { sealed } from "../formats/sealed-cookie.ts";
import { COOKIE_AGE_MAX_MS } from "../http/cookie.ts";
import { createSessions, type Sessions } from "../sessions.ts";
import { orUsageError, parse, readSecrets, ringOf, secretOptions, storeOptions, withDotenv } from "./options.ts";
import { type OpenStore, openStore, storeFailed } from "./store/open.ts";
import { type ExitCode, type Terminal, UsageError } from "./terminal.ts";
import { asJson, plural, printable, relative, type Style, shortened, styleFor } from "./text.ts";

const options = {
  ...secretOptions,
  ...storeOptions,
  app: { type: "string" },
  user: { type: "string" },
  except: { type: "string" },
  sealed: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export const sessionsHelp = `flagon sessions: the sessions in a store

  flagon sessions list <user>           a user's live sessions
  flagon sessions revoke <id>           ends one
  flagon sessions revoke --user <user>  ends all of a user's; --except <id> spares one
  flagon sessions prune                 removes expired rows
  flagon sessions setup                 makes the table, or brings it up to date

    --store URL   redis://, postgres:// or an SQLite file (else SESSION_STORE,
                  which keeps a password out of ps)
    --table, --prefix   as the store was told
    --sealed      sessions are in sealed cookies; the store is their revocations
    --json        for programs

  A session's id is in its row, sealed: to list, or to end one of a store, the
  secret is needed, in SESSION_SECRET, or as flagon inspect takes it
  (--secret-env, --secret-file, --dotenv, --app). To end all of a user's, none.
  Exit code 0: done. 1: there is no such session. 2: it could not be done.
`;

interface Task {
  readonly args: readonly string[];
  readonly user: string | undefined;
  readonly except: string | undefined;
  readonly isSealed: boolean;
  readonly hasSecret: boolean;
  readonly json: boolean;
  readonly opened: OpenStore;
  readonly sessions: Sessions;
  readonly terminal: Terminal;
}

export async function sessions(args: readonly string[], own: Terminal): Promise<ExitCode> {
  const { values: given, positionals } = parse(args, options);
  const [name, ...rest] = positionals;
  if (given.help) {
    own.out(sessionsHelp);
    return 0;
  }
  const terminal = withDotenv(given, own);
  const act = acts.get(name ?? "");
  if (act === undefined) {
    throw new UsageError(`flagon sessions takes ${[...acts.keys()].join(", ")}; flagon sessions --help says more`);
  }
  const opened = await openStore(given, terminal, name === "setup");
  if (opened === null) throw new UsageError("which store? Pass --store URL, or set SESSION_STORE");
  try {
    const { store } = opened;
    const isSealed = given.sealed === true;
    const secret = readSecrets(given, terminal);
    const hasSecret = ringOf(secret, given.app) !== null;
    const keys = { ...(hasSecret && { secret }), ...(given.app !== undefined && { app: given.app }) };
    const backend = isSealed ? { revocations: store } : { store, ...withOlderCookies(terminal) };
    const made = orUsageError(() => createSessions({ ...keys, ...backend }));
    const task = { args: rest, user: given.user, except: given.except, isSealed, hasSecret, json: given.json === true };
    return await act({ ...task, opened, sessions: made, terminal });
  } catch (error) {
    throw error instanceof UsageError ? error : storeFailed(error, given.store ?? terminal.env.SESSION_STORE ?? "");
  } finally {
    await opened.close();
  }
}

/**
 * The app may still take the sealed cookies it had before the store (`upgradeFrom`), until whenever: who signed in before a
 * user's sessions were ended must not come back by one.
 */
function withOlderCookies(terminal: Terminal): { upgradeFrom: [{ codec: typeof sealed; until: Date }] } {
  return { upgradeFrom: [{ codec: sealed, until: new Date(terminal.now() + COOKIE_AGE_MAX_MS) }] };
}

const acts: ReadonlyMap<string, (task: Task) => Promise<ExitCode>> = new Map([
  ["list", list],
  ["revoke", revoke],
  ["prune", prune],
  ["setup", setup],
]);

async function list(task: Task): Promise<ExitCode> {
  const { args, isSealed, json, opened, sessions, terminal } = task;
  const [user, ...more] = args;
  if (user === undefined || more.length > 0) throw new UsageError("flagon sessions list takes one user's id");
  if (isSealed) throw new UsageError("sealed cookies are known to their browsers alone: there is no list of them");
  needSecret(task);
  const found = await sessions.list(user);
  const others = (await opened.store.list(user)).length - found.length;
  if (json) terminal.out(asJson(found.map(infoAsJson), 2));
  else terminal.out(table(user, found, terminal, styleFor(terminal.colours)));
  if (others > 0)
    terminal.err(`flagon: ${plural(others, "more session")} cannot be opened with the secret that was given\n`);
  return 0;
}

function needSecret({ hasSecret }: Task): void {
  if (hasSecret) return;
  throw new UsageError("a session's id is sealed in its row: set SESSION_SECRET, or pass --secret-file or --dotenv");
}

async function revoke(task: Task): Promise<ExitCode> {
  const { args, user, except, isSealed, opened, sessions, terminal } = task;
  const [id, ...more] = args;
  if ((id === undefined) === (user === undefined) || more.length > 0) {
    throw new UsageError("flagon sessions revoke takes one session's id, or --user and a user's id");
  }
  if (user !== undefined) return revokeUser(task, user);
  if (except !== undefined) throw new UsageError("--except goes with --user");
  if (id === undefined) return 2;
  if (!isSealed) needSecret(task);
  // The row says what became of the session, which an id alone does not.
  const isThere = isSealed || (await opened.store.read(readPublicId(id)?.id ?? id)) !== null;
  if (!isThere || !(await sessions.revoke(id))) {
    const where = isSealed ? "it was ended before" : "for one in a sealed cookie add --sealed";
    terminal.err(`flagon: no live session ${printable(id)} in this store; ${where}\n`);
    return 1;
  }
  say(task, { ended: [id] }, `ended the session ${printable(id)}${later(isSealed)}`);
  return 0;
}

async function revokeUser(task: Task, user: string): Promise<ExitCode> {
  const { except, isSealed, hasSecret, sessions, opened } = task;
  const spared = except === undefined ? null : readPublicId(except)?.id;
  if (spared === undefined) throw new UsageError("--except takes a session's id");
  const rows = isSealed ? [] : (await opened.store.list(user)).filter(({ id }) => id !== spared);
  const listed = isSealed || !hasSecret ? null : (await sessions.list(user)).map(({ id }) => id);
  await sessions.revokeUser(user, except === undefined ? {} : { except });
  const name = printable(user);
  const what = isSealed
    ? `every session of ${name} that began before now`
    : `${plural(rows.length, "session")} of ${name}`;
  say(task, { ended: listed?.filter((id) => id !== except) ?? null }, `ended ${what}${later(isSealed)}`);
  return 0;
}

function later(isSealed: boolean): string {
  return isSealed ? "; servers notice within their revocations.staleness (5 s unless set)" : "";
}

async function prune(task: Task): Promise<ExitCode> {
  const removed = await task.sessions.prune();
  const text = task.opened.expiresByItself
    ? "nothing to do: this store drops expired sessions by itself"
    : `removed ${plural(removed, "expired row")}`;
  say(task, { removed }, text);
  return 0;
}

async function setup(task: Task): Promise<ExitCode> {
  await task.opened.setup?.();
  say(
    task,
    { setup: task.opened.setup !== null },
    task.opened.setup === null ? "nothing to do: this store has no table" : "the table is up to date",
  );
  return 0;
}

function say({ json, terminal }: Task, answer: object, text: string): void {
  terminal.out(json ? asJson(answer) : `${text}\n`);
}

function infoAsJson({ createdAt, lastSeenAt, expiresAt, ...info }: SessionInfo): object {
  const iso = (moment: number): string => new Date(moment).toISOString();
  return { ...info, createdAt: iso(createdAt), lastSeenAt: iso(lastSeenAt), expiresAt: iso(expiresAt) };
}

function table(user: string, found: readonly SessionInfo[], terminal: Terminal, style: Style): string {
  const name = printable(user);
  if (found.length === 0) return `${name} has no live session\n`;
  const now = terminal.now();
  const rows = found.map(({ id, device, createdAt, lastSeenAt, expiresAt }) => [
    printable(id),
    shortened(printable(device ?? "unknown"), 30),
    relative(lastSeenAt, now),
    relative(createdAt, now),
    relative(expiresAt, now),
  ]);
  const heads = ["session", "device", "last seen", "began", "ends"];
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
  const count = plural(found.length, "live session");
  return `${[style.bold(`${count} of ${name}`), "", style.dim(line(heads)), ...rows.map(line)].join("\n")}\n`;
}
