import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { dataFolder, freePort } from "../../../test/support/services/server.ts";

const children: ChildProcess[] = [];
const busy: Server[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const server of busy.splice(0)) server.close();
});

interface Run {
  readonly child: ChildProcess;
  /** Resolves with what was printed, as soon as it matches, or at the end. */
  until(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{ code: number | null; output: string; errors: string }>;
}

function start(env: Record<string, string>): Run {
  const main = join(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, ["--conditions=flagon-source", main], {
    env: { PATH: process.env.PATH ?? "", DATA_FOLDER: dataFolder("saas"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  let errors = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = once(child, "close").then(([code]: (number | null)[]) => ({ code: code ?? null, output, errors }));
  return {
    child,
    ended,
    async until(pattern) {
      while (!pattern.test(output)) {
        const more = await Promise.race([once(child.stdout ?? child, "data"), ended]);
        if (!Array.isArray(more)) break;
      }
      return output;
    },
  };
}

async function occupy(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  busy.push(server);
  await Promise.race([once(server, "listening"), once(server, "error")]);
}

test("prints one line with the address, once it has its secret", async () => {
  const env = { SESSION_SECRET: "N0t-a-secret-but-l0ng-and-mixed-en0ugh-f0r-tests", PORT: "0" };
  const run = start(env);
  const output = await run.until(/\n/);
  expect(output).toMatch(/^Flagon example {2}http:\/\/localhost:\d+\n$/);
  expect((await fetch(String(output.split(/\s+/)[2]))).status).toBe(200);
});

test("says once that it made a secret", async () => {
  const DATA_FOLDER = dataFolder("saas");
  const first = start({ DATA_FOLDER, PORT: "0" });
  expect(await first.until(/http:/)).toMatch(/^Made a session secret for development: .*secret\nFlagon example /);
  const second = start({ DATA_FOLDER, PORT: "0" });
  expect(await second.until(/http:/)).toMatch(/^Flagon example /);
});

test("stops at once on Ctrl-C, with exit code 0, also while a browser holds a connection open", async () => {
  const run = start({ PORT: "0" });
  const [, port] = /localhost:(\d+)/.exec(await run.until(/http:/)) ?? [];
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n");
  run.child.kill("SIGINT");
  const { code, errors } = await run.ended;
  expect(code).toBe(0);
  expect(errors).toBe("");
});

test("says nothing of bodies that are broken off, too long or no form, and goes on", async () => {
  const run = start({ SESSION_SECRET: "N0t-a-secret-but-l0ng-and-mixed-en0ugh-f0r-tests", PORT: "0" });
  const [, port] = /localhost:(\d+)/.exec(await run.until(/http:/)) ?? [];
  const form = (type: string, length: string, body: string): string =>
    `POST /sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\n${length}\r\n\r\n${body}`;
  const urlencoded = "application/x-www-form-urlencoded";
  const multipart = "multipart/form-data; boundary=edge";

  await breakOff(Number(port), form(urlencoded, "content-length: 100", "username=a"));
  await breakOff(Number(port), form(multipart, "content-length: 100", "--edge"));
  await breakOff(Number(port), form(urlencoded, "transfer-encoding: chunked", "5\r\nuse"));
  expect(await firstWords(Number(port), form(urlencoded, "content-length: 9000000", "username=a"))).toMatch(/ 413 /);
  expect(await firstWords(Number(port), form(multipart, "content-length: 4", "nope"))).toMatch(/ 400 /);
  expect((await fetch(`http://localhost:${port}`)).status).toBe(200);

  run.child.kill("SIGINT");
  const { output, errors } = await run.ended;
  expect(errors).toBe("");
  expect(output.trim().split("\n")).toHaveLength(1);
});

/** Sends the beginning of a request, and hangs up once it is on its way. */
async function breakOff(port: number, text: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text);
  await sleep(100);
  socket.destroy();
}

async function firstWords(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text);
  const [chunk] = await once(socket, "data");
  socket.destroy();
  return String(chunk);
}

test("takes another port when 3000 is taken", async () => {
  await occupy(3_000);
  const run = start({});
  const [, port] = /localhost:(\d+)/.exec(await run.until(/http:/)) ?? [];
  expect(Number(port)).toBeGreaterThan(3_000);
});

test("does not start on another port than the one it was told", async () => {
  const port = await freePort();
  await occupy(port);
  const { code, output, errors } = await start({ PORT: String(port) }).ended;
  expect(code).toBe(1);
  expect(output).not.toContain("http:");
  expect(errors).toBe(`Port ${port} is taken. Set PORT to another one, or leave it out to have one picked.\n`);
});

test("does not start in production without a secret, and says how to make one", async () => {
  const { code, errors } = await start({ NODE_ENV: "production", PORT: "0" }).ended;
  expect(code).toBe(1);
  expect(errors).toMatch(/^SESSION_SECRET is not set.*\n.*npx flagon secret.*\n$/);
});

test("does not start with a weak secret", async () => {
  const { code, errors } = await start({ NODE_ENV: "production", SESSION_SECRET: "changeme", PORT: "0" }).ended;
  expect(code).toBe(1);
  expect(errors).toContain("npx flagon secret");
  expect(errors).not.toContain("changeme");
});

test.each([
  ["mysql://127.0.0.1/", "SESSIONS is none of these: sqlite, cookie, redis://…, postgres://…\n"],
  ["redis://:hunter2@127.0.0.1:1", "SESSIONS names a Redis that can't be reached: connect ECONNREFUSED 127.0.0.1:1\n"],
  ["postgres://me:hunter2@127.0.0.1:1/app", /^SESSIONS names a PostgreSQL that can't be used: .+\n$/],
])("does not start with SESSIONS=%s, and repeats no password", async (SESSIONS, message) => {
  const { code, output, errors } = await start({ SESSIONS, PORT: "0" }).ended;
  expect(code).toBe(1);
  expect(output).toBe("");
  expect(errors).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
  expect(errors).not.toContain("hunter2");
});
