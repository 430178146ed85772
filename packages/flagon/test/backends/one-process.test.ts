import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { createSessions, type Sessions } from "flagon";
import { memoryStore } from "flagon/memory";
import { afterAll, describe, expect, test } from "vitest";
import { AsyncBrowser, Clock, type Data, MINUTE, SECRET } from "../browser.ts";

type Flagon = typeof import("flagon");

const copyFile = join(tmpdir(), `flagon-copy-${process.pid}.mjs`);
afterAll(() => rmSync(copyFile, { force: true }));

/** A second copy of the module in this process, as a bundler makes one for each part of an app. */
async function secondCopy(): Promise<Flagon> {
  const contents = 'export * from "./src/index.ts";';
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(import.meta.dirname, "../..") },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
  });
  writeFileSync(copyFile, outputFiles[0]?.text ?? "");
  return import(/* @vite-ignore */ pathToFileURL(copyFile).href);
}

describe("two copies of the module in one process", () => {
  test("know of each other's sign-outs and rotations", async () => {
    const clock = new Clock();
    const copy = await secondCopy();
    expect(copy.createSessions).not.toBe(createSessions);
    const pages = createSessions<Data>({ secret: SECRET, now: clock.now });
    const handlers: Sessions<Data> = copy.createSessions<Data>({ secret: SECRET, now: clock.now });
    const visitor = new AsyncBrowser(pages);
    await visitor.visit((session) => session.login("ann"));
    const [page, thief] = [visitor.copy(pages), visitor.copy(handlers)];
    clock.pass(10 * MINUTE);
    const slow = await page.open();
    expect(slow.userId).toBe("ann");
    await visitor.copy(handlers).visit((session) => session.logout());
    await page.answer(slow);
    expect(page.setCookies).toEqual([]);
    expect(await thief.isKnown()).toBe(false);
  });
});

describe.each([
  ["sealed cookies", () => ({})],
  ["sealed cookies with revocations", (now: () => number) => ({ revocations: { store: memoryStore({ now }) } })],
  ["a store", (now: () => number) => ({ store: memoryStore({ now }) })],
])("a renewal takes no change back: %s", (_title, more) => {
  test.each([false, true])("permanent: %s", async (permanent) => {
    const clock = new Clock();
    const visitor = new AsyncBrowser(createSessions<Data>({ secret: SECRET, now: clock.now, ...more(clock.now) }));
    await visitor.visit((session) => session.login("ann", { permanent }));
    clock.pass(permanent ? 5 * 24 * 60 * MINUTE : 10 * MINUTE);
    const poll = await visitor.open();
    expect(poll.userId).toBe("ann");
    const post = visitor.copy();
    await post.visit((session) => session.set("cart", 1));
    for (const [name, value] of post.cookies) visitor.cookies.set(name, value);
    await visitor.answer(poll);
    expect(await visitor.visit((session) => session.get("cart"))).toBe(1);
  });
});
