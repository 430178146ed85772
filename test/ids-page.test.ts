import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { programsOf } from "./support/programs.ts";

const folder = mkdtempSync(join(tmpdir(), "flagon-ids-"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test("docs/decisions/011-ids.md: the ids are as its program says", async () => {
  const programs = programsOf("docs/decisions/011-ids.md");
  expect(programs.map(([file]) => file)).toEqual(["ids.ts"]);
  symlinkSync(join(import.meta.dirname, "../node_modules"), join(folder, "node_modules"));
  for (const [file, code] of programs) writeFileSync(join(folder, file), code);
  vi.stubEnv("SESSION_SECRET", "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY");
  const { visitor, ann, rotated, again, next, ...answers } = await import(join(folder, "ids.ts"));
  expect(visitor).toMatch(/^[\w-]{27}$/);
  expect(ann).not.toBe(visitor);
  expect([rotated, again]).toEqual([ann, ann]);
  expect([visitor, ann]).not.toContain(next);
  expect(answers).toMatchObject({ byVisitorsId: false, byAnnsId: true, spared: true, over: false });
});

test("a password's reset may spare the id from before its sign-in", async () => {
  vi.stubEnv("SESSION_SECRET", "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY");
  const { browser, sessions } = await import(join(folder, "ids.ts"));
  const visit = browser();
  const before = await visit((session: { set(key: string, value: string): void }) => session.set("seen", "tea"));
  const signedIn = await visit((session: { login(userId: string): void }) => session.login("bob"));
  await sessions.revokeUser("bob", { except: before });
  expect(await sessions.revoke(signedIn)).toBe(true);
});
