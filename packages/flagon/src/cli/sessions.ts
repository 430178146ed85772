import type { SessionInfo } from "../backends/backend.ts";
import { sealed } from "../formats/sealed-cookie.ts";
import { createSessions, type Sessions } from "../sessions.ts";
import { orUsageError, parse, storeOptions } from "./options.ts";
import { type OpenStore, openStore, storeFailed } from "./store/open.ts";
import { type ExitCode, type Terminal, UsageError } from "./terminal.ts";
import { plural, printable, relative, type Style, shortened, styleFor } from "./text.ts";

const options = {
  ...storeOptions,
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

    --store URL   redis://, postgres:// or an SQLite file (else SESSION_STORE)
    --table, --prefix   as the store was told
    --sealed      sessions are in sealed cookies; the store is their revocations
    --json        for programs

  No secret is needed: what visitors stored stays sealed.
  Exit code 0: done. 1: there is no such session. 2: it could not be done.
`;

interface Task {
  readonly args: readonly string[];
  readonly user: string | undefined;
  readonly except: string | undefined;
  readonly isSealed: boolean;
  readonly json: boolean;
  readonly opened: OpenStore;
  readonly sessions: Sessions;
  readonly terminal: Terminal;
}

export async function sessions(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const { values: given, positionals } = parse(args, options);
  const [name, ...rest] = positionals;
  if (given.help) {
    terminal.out(sessionsHelp);
    return 0;
  }
  const act = acts.get(name ?? "");
  if (act === undefined) {
    throw new UsageError(`flagon sessions takes ${[...acts.keys()].join(", ")}; flagon sessions --help says more`);
  }
  const opened = await openStore(given, terminal);
  if (opened === null) throw new UsageError("which store? Pass --store URL, or set SESSION_STORE");
  try {
    const { store } = opened;
    const isSealed = given.sealed === true;
    const made = orUsageError(() =>
      createSessions(isSealed ? { revocations: store } : { store, ...withOlderCookies(terminal) }),
    );
    const task = { args: rest, user: given.user, except: given.except, isSealed, json: given.json === true };
    return await act({ ...task, opened, sessions: made, terminal });
  } catch (error) {
    throw error instanceof UsageError ? error : storeFailed(error, given.store ?? terminal.env.SESSION_STORE ?? "");
  } finally {
    await opened.close();
  }
}

/**
 * The app may still take the sealed cookies it had before the store (`upgradeFrom`), and a session that is ended here must
 * not come back from one: with this, its id is marked as ended too.
 */
function withOlderCookies(terminal: Terminal): { upgradeFrom: [{ codec: typeof sealed; until: Date }] } {
  return { upgradeFrom: [{ codec: sealed, until: new Date(terminal.now() + 86_400_000) }] };
}

const acts: ReadonlyMap<string, (task: Task) => Promise<ExitCode>> = new Map([
  ["list", list],
  ["revoke", revoke],
  ["prune", prune],
  ["setup", setup],
]);

async function list({ args, isSealed, json, sessions, terminal }: Task): Promise<ExitCode> {
  const [user, ...more] = args;
  if (user === undefined || more.length > 0) throw new UsageError("flagon sessions list takes one user's id");
  if (isSealed) throw new UsageError("sealed cookies are known to their browsers alone: there is no list of them");
  const found = await sessions.list(user);
  if (json) terminal.out(`${JSON.stringify(found.map(infoAsJson), null, 2)}\n`);
  else terminal.out(table(user, found, terminal, styleFor(terminal.colours)));
  return 0;
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
  const row = isSealed ? null : await opened.store.read(id);
  if (!isSealed && (row === null || row.data === null)) {
    terminal.err(
      `flagon: no live session ${printable(id)} in this store; for sealed cookies with revocations add --sealed\n`,
    );
    return 1;
  }
  await sessions.revoke(id);
  say(task, { ended: [id] }, `ended the session ${printable(id)}${later(isSealed)}`);
  return 0;
}

async function revokeUser(task: Task, user: string): Promise<ExitCode> {
  const { except, isSealed, sessions } = task;
  const found = isSealed ? [] : (await sessions.list(user)).filter(({ id }) => id !== except);
  await sessions.revokeUser(user, except === undefined ? {} : { except });
  const name = printable(user);
  const what = isSealed
    ? `every session of ${name} that began before now`
    : `${plural(found.length, "session")} of ${name}`;
  say(task, { ended: isSealed ? null : found.map(({ id }) => id) }, `ended ${what}${later(isSealed)}`);
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
  terminal.out(json ? `${JSON.stringify(answer)}\n` : `${text}\n`);
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
