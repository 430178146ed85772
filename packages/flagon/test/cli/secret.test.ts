import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { createSessions } from "flagon";
import { expect, it } from "vitest";

const bin = join(import.meta.dirname, "../../bin/flagon.js");
const flagon = (...args: string[]) =>
  promisify(execFile)(process.execPath, ["--conditions=flagon-source", bin, ...args]);

it("flagon secret prints one strong secret, another each time, and nothing else", async () => {
  const [first, second] = await Promise.all([flagon("secret"), flagon("secret")]);
  expect(first.stdout).toMatch(/^[A-Za-z0-9_-]{43}\n$/);
  expect(first.stderr).toBe("");
  expect(first.stdout).not.toBe(second.stdout);
  expect(() => createSessions({ secret: first.stdout.trim() })).not.toThrow();
});
