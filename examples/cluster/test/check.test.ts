import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { main } from "./server.ts";

describeWith("redis")("the example", () => {
  test("keeps its promises by its own check: signs in, counts, loses a master and an instance, and counts on", async () => {
    const { code, output, errors } = await start(["--check"], { PORT: "0" }).ended;
    expect(errors).toBe("");
    expect(output.match(/^✓.*$/gm)).toEqual([
      "✓ 30 counts by a, b, c: the count is 30",
      expect.stringMatching(/^✓ \d+ times 503 in [\d.]+ s, then on by itself; nobody was signed out$/),
      expect.stringMatching(/^✓ 60 counts were acknowledged, the count is \d+: none of them is lost$/),
      expect.stringMatching(/^✓ instance [abc] is killed: 30 counts by [abc], [abc], no error, the count is \d+$/),
      expect.stringMatching(/^✓ all is back, and Ada is still signed in: the count is \d+$/),
    ]);
    expect(code).toBe(0);
  }, 240_000);

  test("ends with exit code 0 on Ctrl-C, and each of its processes with it", async () => {
    const example = start([]);
    await example.until(/http:/);
    // Six Redis nodes, three instances, and who ends the nodes if this process is killed.
    const started = childrenOf(example.pid);
    expect(started).toHaveLength(10);
    process.kill(example.pid, "SIGINT");
    const { code, output, errors } = await example.ended;
    expect(code).toBe(0);
    expect(errors).toBe("");
    expect(output).toMatch(/^Starting six .*\n(Redis \d .*\n)*A session that lasts {2}http:\/\/localhost:\d+ .*\n$/);
    await expect.poll(() => started.filter(isAlive), { timeout: 30_000 }).toEqual([]);
  }, 120_000);

  test("ends with each of its processes when it is killed itself", async () => {
    const example = start([]);
    await example.until(/http:/);
    const started = childrenOf(example.pid);
    process.kill(example.pid, "SIGKILL");
    await expect.poll(() => started.filter(isAlive), { timeout: 30_000 }).toEqual([]);
  }, 120_000);

  test("does not start on another port than the one it was told, and leaves nothing behind", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const { code, output, errors } = await start([], { PORT: String(port) }).ended;
    taken.close();
    expect(code).toBe(1);
    expect(output).not.toContain("http:");
    expect(errors).toBe(`Port ${port} is taken. Set PORT to another one, or leave it out to have one picked.\n`);
  }, 120_000);
});

interface Run {
  readonly pid: number;
  /** Resolves as soon as what was printed matches, or at the end. */
  until(pattern: RegExp): Promise<void>;
  readonly ended: Promise<{ code: unknown; output: string; errors: string }>;
}

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const child = spawn(process.execPath, ["--conditions=flagon-source", main, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let [output, errors] = ["", ""];
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = once(child, "exit").then(([code]: unknown[]) => ({ code, output, errors }));
  return {
    pid: child.pid ?? 0,
    ended,
    async until(pattern) {
      while (!pattern.test(output)) {
        const more = await Promise.race([once(child.stdout, "data"), ended]);
        if (!Array.isArray(more)) break;
      }
    },
  };
}

function childrenOf(pid: number): number[] {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).trim().split("\n");
  const rows = lines.map((line) => line.trim().split(/\s+/));
  return rows.filter(([, parent, name]) => parent === String(pid) && name !== "ps").map(([child]) => Number(child));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
