import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/stores.md"), "utf8");
const programs = [...page.matchAll(/^```ts file=(\S+)\n([\s\S]*?)^```$/gm)].map(([, file = "", code = ""]) => ({
  file,
  code,
}));

test("docs/stores.md shows three recipes", () => {
  expect(programs.map(({ file }) => file)).toEqual(["pg.ts", "node-redis.ts", "ioredis.ts"]);
});

test.each(programs)("docs/stores.md: $file is what the tests kill an engine under", ({ file, code }) => {
  const tested = join(root, "packages/flagon/test/homes/engines/recipes", file);
  expect(code).toBe(readFileSync(tested, "utf8"));
});
