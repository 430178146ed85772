import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Every program that a page shows, or one of its sections, by the file name it gives it. */
export function programsOf(page: string, section?: string): [file: string, code: string][] {
  const whole = readFileSync(join(root, page), "utf8");
  const text =
    section === undefined ? whole : (whole.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? "");
  return [...text.matchAll(/^```ts file=(\S+)\n([\s\S]*?)^```$/gm)].map(([, file = "", code = ""]) => [file, code]);
}
