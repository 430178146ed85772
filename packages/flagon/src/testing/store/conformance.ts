import type { ConformanceCase } from "../check.ts";
import { storeFailureCases } from "./failures.ts";
import { type MakeStore, type StoreConformanceOptions, StoreFixture } from "./fixture.ts";
import { storeManyCases } from "./many.ts";
import { storeRaceCases } from "./races.ts";
import { storeRuleCases } from "./rules.ts";
import { storeUserCases } from "./users.ts";
import { storeValueCases } from "./values.ts";

/**
 * What every store has to keep, as cases for any test runner:
 *
 * ```ts
 * for (const { name, run } of storeConformance(({ now }) => myStore({ now }))) test(name, run);
 * ```
 *
 * They need no runner and run one after another. Time is the suite's own: no case waits.
 */
export function storeConformance(makeStore: MakeStore, options: StoreConformanceOptions = {}): ConformanceCase[] {
  const failures = storeFailureCases(options);
  const sound = [...storeRuleCases, ...storeManyCases, ...storeUserCases, ...storeValueCases, ...storeRaceCases];
  const cases = [...sound, ...failures];
  return cases.map(({ name, test }) => ({
    name,
    run: async () => {
      const bench = new StoreFixture(makeStore, options);
      try {
        await test(bench);
      } finally {
        await bench.close();
      }
    },
  }));
}
