import { describe } from "vitest";
import type { ServiceName } from "./find.ts";
import { missing, placeOf } from "./provide.ts";

/**
 * `describe`, for tests that need these services. Without one of them the tests are skipped, loudly; where CI is set they
 * fail instead, because a suite that passes by skipping proves nothing.
 */
export function describeWith(...names: ServiceName[]): (title: string, tests: () => void) => void {
  const absent = names.filter((name) => placeOf(name) === null);
  if (absent.length === 0 || process.env.CI) return (title, tests) => describe(title, tests);
  for (const name of absent) console.warn(`SKIPPED: ${missing(name)}`);
  return (title, tests) => describe.skip(`${title} (needs ${absent.join(", ")})`, tests);
}
