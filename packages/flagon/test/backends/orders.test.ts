import { afterEach, beforeEach, describe, test } from "vitest";
import { acts } from "./acts.ts";
import { anyScenario, inEveryOrder, inOrder, inTrouble, pairsIn, places, starts } from "./orders.ts";
import { holdTime, letTimeGo } from "./pauses.ts";
import { seeded } from "./scheduler.ts";

/*
 * No order of requests that change, rotate, sign in, sign out and revoke leaves two good sessions from one, brings one
 * back that was over, or loses one that nobody ended; and an end that was acknowledged holds. Each two requests in every order
 * there is, in each backend: those of `revocations` in a file of their own. The long tests have each two beside a third.
 */
beforeEach(holdTime);
afterEach(letTimeGo);

describe.each(starts)("each two requests in every order, %s:", (start) => {
  test.each(["store", "cookie"] as const)("%s", async (place) => {
    for (const pair of pairsIn(place)) await inEveryOrder({ place, start, actors: pair.map((act) => [act]) });
  });

  test("some orders while sessions move into a store", async () => {
    for (const [n, pair] of pairsIn("moving").entries()) {
      await inOrder({ place: "moving", start, actors: pair.map((act) => [act]) }, seeded(n));
    }
  });
});

describe("every order of three", () => {
  const { farewell, login, logout, revoke, rotate } = acts;

  test.each(places)("two sign-ins and a sign-out: %s", async (place) => {
    const max = place === "moving" ? 100 : Number.POSITIVE_INFINITY;
    await inEveryOrder({ place, start: "anonymous", actors: [[login], [login], [logout]] }, max);
  });

  test.each([
    ["a sign-in, and two of another copy of the cookie, one after the other", [[login], [login, login]]],
    ["a sign-in, and a sign-out with a last message and a sign-in after it", [[login], [farewell, login]]],
    ["two rotations, one after the other, and a sign-out with the old cookie", [[rotate, rotate], [logout]]],
    ["two rotations, one after the other, and a revoke", [[rotate, rotate], [revoke]]],
  ])("%s", async (_title, actors) => {
    for (const start of starts) await inEveryOrder({ place: "store", start, actors });
  });
});

const PARTS = 4;

describe.each(Array.from({ length: PARTS }, (_, part) => part))("part %i of the orders", (part) => {
  test("of two to four browsers with a few requests each", async () => {
    for (let n = 0; n < 120; n++) {
      const pick = seeded(part * 1_000_000 + n);
      await inOrder(anyScenario(pick), pick);
    }
  });

  test("of such, while processes die, and commands and answers are lost, late or doubled", async () => {
    for (let n = 0; n < 120; n++) {
      const pick = seeded(part * 1_000_000 + 500_000 + n);
      await inTrouble(anyScenario(pick), pick);
    }
  });
});
