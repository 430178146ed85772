/**
 * Requests and processor time of whole servers, as a share of the same server without sessions. Each server runs on one core
 * and wrk on the other; variants take turns, and each round's figure is divided by the bare server's of that round.
 */
import { type ChildProcess, execFileSync, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread, table } from "../lib/stats.ts";
import { servers } from "./servers/index.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const SECONDS = Number(process.env.SECONDS_EACH ?? 1);
const CONNECTIONS = 32;
const only = process.env.FRAMEWORK;

interface Visit {
  readonly title: string;
  readonly path: string;
  /** How many visitors take turns; 0 for visitors without a cookie. */
  readonly visitors: number;
}

const visits: readonly Visit[] = [
  { title: "reads, 500 visitors", path: "/read", visitors: 500 },
  { title: "reads, 10,000 visitors", path: "/read", visitors: 10_000 },
  { title: "writes, 500 visitors", path: "/write", visitors: 500 },
  { title: "does not look", path: "/untouched", visitors: 500 },
  { title: "no cookie", path: "/read", visitors: 0 },
];

interface Sample {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

const folder = mkdtempSync(join(tmpdir(), "flagon-bench-"));

async function compare(framework: string, variants: readonly string[]): Promise<string> {
  const running = await Promise.all(variants.map((variant) => RunningServer.start(framework, variant)));
  const samples = new Map(running.map((server) => [server, visits.map(() => [] as Sample[])]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [i, visit] of visits.entries()) {
      for (const server of running) {
        const sample = await server.measure(visit);
        if (round >= 0) samples.get(server)?.[i]?.push(sample);
      }
    }
  }
  for (const server of running) server.stop();
  const [bare] = samples.values();
  const rows = running.map(({ variant }, index) => {
    const own = [...samples.values()][index];
    const cells = visits.map((_, i) => {
      const [mine = [], base = []] = [own?.[i], bare?.[i]];
      if (index === 0)
        return `${spread(
          base.map((each) => each.perSecond),
          0,
        )}, ${spread(
          base.map((each) => each.cpuMicroseconds),
          1,
        )} µs`;
      const shares = mine.map((each, k) => each.perSecond / (base[k]?.perSecond ?? Number.NaN));
      const cpu = mine.map((each, k) => (base[k]?.cpuMicroseconds ?? Number.NaN) / each.cpuMicroseconds);
      return `${spread(shares)}, cpu ${spread(cpu)}`;
    });
    return [index === 0 ? `${framework}, bare: requests/s, CPU` : variant, ...cells];
  });
  return `${table(["", ...visits.map(({ title }) => title)], rows)}\n`;
}

class RunningServer {
  readonly variant: string;
  readonly #process: ChildProcess;
  readonly #port: number;
  readonly #jars: Map<number, string> = new Map();

  constructor(variant: string, process: ChildProcess, port: number) {
    this.variant = variant;
    this.#process = process;
    this.#port = port;
  }

  static async start(framework: string, variant: string): Promise<RunningServer> {
    const child = fork(join(import.meta.dirname, "server.ts"), [framework, variant], {
      execArgv: ["--conditions=flagon-source", "--disable-warning=ExperimentalWarning"],
      env: { ...process.env, NODE_ENV: "production" },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    execFileSync("taskset", ["-a", "-p", "-c", "0", String(child.pid)], { stdio: "ignore" });
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    return new RunningServer(variant, child, port);
  }

  async measure({ path, visitors }: Visit): Promise<Sample> {
    const jar = visitors === 0 ? [] : [await this.#jar(visitors)];
    const script = join(import.meta.dirname, "rotate.lua");
    const target = `http://127.0.0.1:${this.#port}`;
    const args = [
      "-c",
      "1",
      "wrk",
      "-t1",
      `-c${CONNECTIONS}`,
      `-d${SECONDS}s`,
      "-s",
      script,
      target,
      "--",
      path,
      ...jar,
    ];
    const before = await this.#cpu();
    const { stdout } = spawnSync("taskset", args, { encoding: "utf8" });
    const cpu = (await this.#cpu()) - before;
    const line = stdout.split("\n").findLast((each) => each.startsWith("{")) ?? "{}";
    const { requests, microseconds, errors } = JSON.parse(line) as Record<string, number>;
    if (!requests || !microseconds || errors) throw new Error(`${this.variant} ${path}: ${stdout}`);
    return { perSecond: (requests / microseconds) * 1e6, cpuMicroseconds: cpu / requests };
  }

  stop(): void {
    this.#process.kill();
  }

  /** A file of Cookie headers, one for each visitor, as the server set them. A bare server gets them too: parsing has a price. */
  async #jar(visitors: number): Promise<string> {
    let file = this.#jars.get(visitors);
    if (file === undefined) {
      const lines: string[] = [];
      for (let i = 0; i < visitors; i++) {
        const response = await fetch(`http://127.0.0.1:${this.#port}/fill`);
        await response.arrayBuffer();
        const pairs = new Map(
          response.headers.getSetCookie().map((line) => (line.split(";")[0] ?? "").split(/=(.*)/s) as [string, string]),
        );
        lines.push([...pairs].map(([name, value]) => `${name}=${value}`).join("; ") || `session=${"x".repeat(778)}`);
      }
      file = join(folder, `${this.#port}-${visitors}`);
      writeFileSync(file, `${lines.join("\n")}\n`);
      this.#jars.set(visitors, file);
    }
    return file;
  }

  async #cpu(): Promise<number> {
    this.#process.send("cpu");
    const [{ cpu }] = (await once(this.#process, "message")) as [{ cpu: NodeJS.CpuUsage }];
    return cpu.user + cpu.system;
  }
}

function requireTools(): void {
  for (const tool of ["wrk", "taskset"]) {
    if (spawnSync("which", [tool]).status !== 0)
      throw new Error(`this bench needs ${tool}: apt-get install wrk util-linux`);
  }
}

try {
  requireTools();
  for (const [framework, load] of Object.entries(servers)) {
    if (only !== undefined && only !== framework) continue;
    console.log(await compare(framework, Object.keys(await load())));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
