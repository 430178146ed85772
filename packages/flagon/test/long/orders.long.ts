import { afterEach, beforeEach, describe, test } from "vitest";
import { allPairs, anyScenario, inEveryOrder, inOrder, inTrouble, places, starts } from "../backends/orders.ts";
import { holdTime, letTimeGo } from "../backends/pauses.ts";
import { seeded } from "../backends/scheduler.ts";
import { type Act, acts } from "../backends/world.ts";

/*
 * As backends/orders.test.ts, at length: two requests, and some three, in all the orders there are; and of more requests
 * FLAGON_ORDERS times 180,000 orders.
 */
const LENGTH = Number(process.env.FLAGON_ORDERS ?? 1);

beforeEach(holdTime);
afterEach(letTimeGo);

describe("every order of the store's commands", () => {
  for (const place of places) {
    for (const start of starts) {
      test(`of two requests: ${place}, ${start}`, async () => {
        const mine = allPairs().filter((scenario) => scenario.place === place && scenario.start === start);
        let count = 0;
        for (const scenario of mine) count += await inEveryOrder(scenario, Number.POSITIVE_INFINITY);
        console.log(`${place}, ${start}: ${mine.length} pairs of requests in all ${count} orders`);
      });
    }
  }
});

describe.each(places)("every order of one request beside two others, in the place of %s,", (place) => {
  const all: readonly Act[] = [acts.login, acts.rotate, acts.farewell, acts.revokeUser];

  test.each(all)("$name beside each two", async (one) => {
    let count = 0;
    for (const first of all) {
      for (const second of all) {
        const actors = [[one], [first, second]];
        count += await inEveryOrder({ place, start: "signed in", actors }, Number.POSITIVE_INFINITY);
      }
    }
    console.log(`${place}: ${one.name} beside each two, one after the other, in all ${count} orders`);
  });
});

describe.each(Array.from({ length: 6 }, (_, part) => part))("orders picked at random, part %i", (part) => {
  const count = Math.ceil(15_000 * LENGTH);

  test("of two to four browsers with a few requests each", async () => {
    for (let n = 0; n < count; n++) {
      const pick = seeded(1_000_000_000 + part * count + n);
      await inOrder(anyScenario(pick), pick);
    }
    console.log(`picked at random: ${count} orders of two to four browsers with one to three requests each`);
  });

  test("of such, while processes die and answers are lost", async () => {
    for (let n = 0; n < count; n++) {
      const pick = seeded(2_000_000_000 + part * count + n);
      await inTrouble(anyScenario(pick), pick);
    }
    console.log(`picked at random: ${count} such, while processes die and answers are lost`);
  });
});
