import { randomInt } from "node:crypto";
import { afterEach, beforeEach, describe, test } from "vitest";
import { play } from "../backends/model.ts";
import { places } from "../backends/orders.ts";
import { holdTime, letTimeGo } from "../backends/pauses.ts";

/*
 * As backends/model.test.ts, for ten minutes, or FLAGON_MODEL_MINUTES, from a seed that nobody knows before: what fails names
 * its own, and FLAGON_SEED plays that one again with the short test.
 */
const MINUTE_MS = 60_000;
const lengthMs = (Number(process.env.FLAGON_MODEL_MINUTES ?? 10) * MINUTE_MS) / places.length;
const seedMax = 2 ** 32;

beforeEach(holdTime);
afterEach(letTimeGo);

describe.each(places)("%s: many browsers before a few processes", (place) => {
  test("keep what holds, in whatever trouble, for minutes", async () => {
    const first = randomInt(seedMax);
    const end = performance.now() + lengthMs;
    let count = 0;
    for (; performance.now() < end; count++) await play(place, (first + count) % seedMax);
    console.log(`${place}: ${count} days of many browsers, from seed ${first} on`);
  });
});
