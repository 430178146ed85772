import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Every program that a page shows, by the file name it gives it. */
export function programsOf(page: string): [file: string, code: string][] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```ts file=(\S+)\n([\s\S]*?)^```$/gm)].map(([, file = "", code = ""]) => [file, code]);
}
