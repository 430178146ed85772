import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { allPairs, anyScenario, inOrder, inTrouble } from "./orders.ts";
import { seeded } from "./scheduler.ts";

/*
 * No order of requests that change, rotate, sign in, sign out and revoke leaves two good sessions from one, brings one
 * back that was over, or loses one that nobody ended; and an end that was acknowledged holds. Some orders of everything
 * here; the long tests have all of them for two requests, and many more for the rest.
 */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const PARTS = 8;

describe.each(Array.from({ length: PARTS }, (_, part) => part))("part %i of the orders", (part) => {
  test("of two requests, each of a kind of its own", async () => {
    const mine = allPairs().filter((_, n) => n % PARTS === part);
    for (const scenario of mine) for (let seed = 0; seed < 8; seed++) await inOrder(scenario, seeded(seed));
  });

  test("of two to four browsers with a few requests each", async () => {
    for (let n = 0; n < 250; n++) {
      const pick = seeded(part * 1_000_000 + n);
      await inOrder(anyScenario(pick), pick);
    }
  });

  test("of such, while processes die and answers are lost", async () => {
    for (let n = 0; n < 250; n++) {
      const pick = seeded(part * 1_000_000 + 500_000 + n);
      await inTrouble(anyScenario(pick), pick);
    }
  });
});
