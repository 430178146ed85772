import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { programsOf } from "./support/programs.ts";

const recipes = join(import.meta.dirname, "../packages/flagon/test/backends/engines/recipes");
const programs = programsOf("docs/stores.md");

test("docs/stores.md shows four programs, of which three are recipes", () => {
  expect(programs.map(([file]) => file)).toEqual(["sessions.ts", "pg.ts", "node-redis.ts", "ioredis.ts"]);
});

test.each(programs.slice(1))("docs/stores.md: %s is what the tests kill an engine under", (file, code) => {
  expect(code).toBe(readFileSync(join(recipes, file), "utf8"));
});
