import { afterEach, beforeEach, describe, test } from "vitest";
import { acts } from "../backends/acts.ts";
import { anyScenario, inEveryOrder, inOrder, inTrouble, pairsIn, places, starts } from "../backends/orders.ts";
import { holdTime, letTimeGo } from "../backends/pauses.ts";
import { seeded } from "../backends/scheduler.ts";

/*
 * As backends/orders.test.ts, at length: two requests in all the orders there are, also while sessions move into a store, and
 * each two beside a third one; and of more requests FLAGON_ORDERS times 60,000 orders.
 */
const LENGTH = Number(process.env.FLAGON_ORDERS ?? 1);
/** So many orders of each three are played; where there are more, as many again are picked at random. */
const ORDERS_OF_THREE_MAX = 200;

beforeEach(holdTime);
afterEach(letTimeGo);

describe.each(places)("%s: every order", (place) => {
  test.each(starts)("of two requests, %s", async (start) => {
    let count = 0;
    const pairs = pairsIn(place);
    for (const pair of pairs) count += await inEveryOrder({ place, start, actors: pair.map((act) => [act]) });
    console.log(`${place}, ${start}: ${pairs.length} pairs of requests in all ${count} orders`);
  });
});

describe.each(["store", "revocations", "cookie"] as const)("%s: each two requests", (place) => {
  const thirds = [acts.set, acts.rotate, acts.login, acts.loginOther, acts.logout, acts.farewell];

  test.each(thirds)("beside a third: $name", async (third) => {
    let count = 0;
    for (const start of starts) {
      for (const pair of pairsIn(place)) {
        const actors = [...pair, third].map((act) => [act]);
        count += await inEveryOrder({ place, start, actors }, ORDERS_OF_THREE_MAX);
      }
    }
    console.log(`${place}: ${third.name} beside each two, in ${count} orders`);
  });
});

describe.each(Array.from({ length: 6 }, (_, part) => part))("orders picked at random, part %i", (part) => {
  const count = Math.ceil(5_000 * LENGTH);

  test("of two to four browsers with a few requests each", async () => {
    for (let n = 0; n < count; n++) {
      const pick = seeded(1_000_000_000 + part * count + n);
      await inOrder(anyScenario(pick), pick);
    }
    console.log(`picked at random: ${count} orders of two to four browsers with one to three requests each`);
  });

  test("of such, while processes die, and commands and answers are lost, late or doubled", async () => {
    for (let n = 0; n < count; n++) {
      const pick = seeded(2_000_000_000 + part * count + n);
      await inTrouble(anyScenario(pick), pick);
    }
    console.log(`picked at random: ${count} such in trouble`);
  });
});
