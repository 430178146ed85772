import { mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "flagon-saas-")), "data");
});

test("development makes a secret once, for its owner's eyes alone, and says so at first", () => {
  const first = readConfig({ DATA_FOLDER: folder });
  const second = readConfig({ DATA_FOLDER: folder });
  expect(first.secret[0]).toMatch(/^[\w-]{43}$/);
  expect(second.secret).toEqual(first.secret);
  expect(first.secretNote).toContain(join(folder, "secret").split("/").slice(-2).join("/"));
  expect(second.secretNote).toBeNull();
  expect(statSync(join(folder, "secret")).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test("git does not see what the app keeps", () => {
  expect(readFileSync(join(import.meta.dirname, "../.gitignore"), "utf8")).toContain(".data/");
});

test("production without a secret does not start", () => {
  const read = () => readConfig({ NODE_ENV: "production", DATA_FOLDER: folder });
  expect(read).toThrow(/SESSION_SECRET is not set.*\n.*npx flagon secret/);
});

test("a secret that is given is used, and the one before it still opens", () => {
  const env = { NODE_ENV: "production", DATA_FOLDER: folder, SESSION_SECRET: "new", SESSION_SECRET_BEFORE: "old" };
  expect(readConfig(env).secret).toEqual(["new", "old"]);
  expect(readConfig({ ...env, SESSION_SECRET_BEFORE: "" }).secret).toEqual(["new"]);
});

test("lifetimes come from the environment", () => {
  const config = readConfig({ DATA_FOLDER: folder, SESSION_IDLE: "3s", SESSION_ABSOLUTE: "2h", SESSION_FRESH: "1m" });
  expect(config.lifetime).toEqual({ idle: 3, absolute: 7_200 });
  expect(config.permanentLifetime).toEqual({ idle: 31 * 86_400, absolute: 180 * 86_400 });
  expect(config.freshFor).toBe(60);
});

test.each([
  ["SESSION_IDLE", "half an hour"],
  ["SESSION_IDLE", "0s"],
  ["SESSION_ABSOLUTE", "30"],
  ["PORT", "http"],
  ["PORT", "70000"],
])("%s=%s is refused with the name of the setting", (name, value) => {
  expect(() => readConfig({ DATA_FOLDER: folder, [name]: value })).toThrow(name);
});
