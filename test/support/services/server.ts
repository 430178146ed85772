import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "./reaper.ts";

/** A server that a test started, on 127.0.0.1. It ends with the test's process, even when that one is killed. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Changes with `restart`. Null when the server came from the environment: then only `stop` works, and does nothing. */
  readonly pid: number | null;
  /** Ends the server as its own documentation wants it, and removes its data. */
  stop(): Promise<void>;
  /** Kills the server and every process of its own as a power cut would (SIGKILL). Its data stays as it was on disk. */
  kill9(): Promise<void>;
  /** Starts it again, on the same port and data. Ends it first when it still runs. */
  restart(): Promise<void>;
  /** Freezes the server (SIGSTOP): connections stay open and nothing is answered. */
  pause(): void;
  /** Lets it go on (SIGCONT). */
  resume(): void;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The user to run as, where the program refuses to run as root. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** The signals that make it end in an orderly way, the gentlest first; each gets a second before the next. */
  readonly stopSignals: readonly NodeJS.Signals[];
  /** What its output says when it takes connections. */
  readonly ready: RegExp;
  /** Signals the server itself, where that is not the process started (Docker's client). */
  signal?(signal: NodeJS.Signals): void;
  /** What is left to remove after the end. */
  cleanUp?(): void;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const PATIENCE_MS = 1_000;

/** Starts the program and resolves when it takes connections; rejects with its last words when it ends before. */
export async function startServer(
  program: Program,
  address: { url: string; port: number; folder: string },
): Promise<Server> {
  const { url, port, folder } = address;
  const remove = () => {
    program.cleanUp?.();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  let child = await run(program, folder).catch((error: unknown) => {
    remove();
    throw error;
  });

  const signal = (name: NodeJS.Signals) => {
    if (program.signal) program.signal(name);
    else child.kill(name);
  };
  const end = async (...signals: readonly NodeJS.Signals[]) => {
    if (hasEnded(child)) return;
    const ended = once(child, "exit");
    const [first = "SIGKILL", ...others] = signals;
    if (first !== "SIGKILL") signal("SIGCONT");
    signal(first);
    const timers = others.map((name, index) => setTimeout(() => signal(name), (index + 1) * PATIENCE_MS));
    timers.push(setTimeout(() => signal("SIGKILL"), STOP_TIMEOUT_MS));
    await ended;
    for (const timer of timers) clearTimeout(timer);
  };
  const stop = async () => {
    await end(...program.stopSignals);
    remove();
    if (child.pid) tellReaper({ ended: child.pid });
  };

  return {
    url,
    port,
    get pid() {
      return child.pid ?? null;
    },
    stop,
    async kill9() {
      const own = program.signal || !child.pid ? [] : childrenOf(child.pid);
      const ended = end("SIGKILL");
      for (const pid of own) killIfThere(pid);
      await ended;
    },
    async restart() {
      await end(...program.stopSignals);
      if (child.pid) tellReaper({ ended: child.pid });
      child = await run(program, folder);
    },
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    [Symbol.asyncDispose]: stop,
  };
}

/** A server that someone else runs, named by the environment. */
export function foreignServer(url: string): Server {
  const refuse = () => {
    throw new Error(`the server at ${new URL(url).host} is not the test's own: start one with { own: true }`);
  };
  const stop = async () => {};
  return {
    url,
    port: Number(new URL(url).port),
    pid: null,
    stop,
    kill9: async () => refuse(),
    restart: async () => refuse(),
    pause: refuse,
    resume: refuse,
    [Symbol.asyncDispose]: stop,
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** A new folder, owned by the user that a server will run as. It goes when the test's process is gone. */
export function dataFolder(name: string, user?: { uid: number; gid: number }): string {
  const folder = mkdtempSync(join(tmpdir(), `flagon-${name}-`));
  tellReaper({ folder });
  if (user) chownSync(folder, user.uid, user.gid);
  return folder;
}

/** After a kill -9, what a server held may be free only a moment later: then it is tried again, for a while. */
async function run(program: Program, folder: string): Promise<ChildProcess> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const child = spawn(program.command, program.args, {
      cwd: folder,
      env: { ...process.env, ...program.env },
      stdio: ["ignore", "pipe", "pipe"],
      // Not in the terminal's group: Ctrl-C is for the test, which then ends its servers.
      detached: true,
      ...program.user,
    });
    if (child.pid) tellReaper({ started: child.pid });
    const words = await lastWords(child, program, deadline);
    if (words === null) {
      // A program that forgets to stop its servers still ends, and they with it.
      for (const handle of [child, child.stdout, child.stderr]) unref(handle);
      return child;
    }
    if (child.pid) tellReaper({ ended: child.pid });
    const isBusy = /in use/i.test(words);
    if (!isBusy || Date.now() > deadline) throw new Error(`${program.command} did not start:\n${words}`);
    await sleep(200);
  }
}

/** Null as soon as the program is ready; what it said, when it ended or hung instead. */
async function lastWords(child: ChildProcess, program: Program, deadline: number): Promise<string | null> {
  let words = "";
  return await new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), deadline - Date.now());
    const listen = (chunk: Buffer) => {
      words = (words + chunk).slice(-10_000);
      if (program.ready.test(words)) settle(null);
    };
    const settle = (result: string | null) => {
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream?.off("data", listen).resume();
      resolve(result);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", listen);
    child.once("error", (error) => settle(error.message));
    child.once("close", () => settle(words));
  });
}

/** Pipes are sockets, which can be unref'd, though their types don't say so. */
function unref(handle: object | null): void {
  if (handle !== null && "unref" in handle && typeof handle.unref === "function") handle.unref();
}

/** The processes that this one started, which outlive it for as long as it takes them to notice (PostgreSQL's). */
function childrenOf(pid: number): number[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const rows = (stdout ?? "").split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return rows.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It had ended by itself.
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

let reaper: ChildProcess | undefined;

function tellReaper(message: Message): void {
  if (reaper === undefined) {
    const script = join(import.meta.dirname, "reaper.ts");
    reaper = spawn(process.execPath, [script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    for (const handle of [reaper, reaper.stdin]) unref(handle);
    reaper.stdin?.on("error", () => {});
  }
  reaper.stdin?.write(`${JSON.stringify(message)}\n`);
}
