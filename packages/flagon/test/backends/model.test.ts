import { afterEach, beforeEach, describe, test } from "vitest";
import { play } from "./model.ts";
import { places } from "./orders.ts";
import { holdTime, letTimeGo } from "./pauses.ts";

/* A slice of what long/model.long.ts does for ten minutes; FLAGON_SEED plays one seed of it again. */
const seeds = process.env.FLAGON_SEED === undefined ? [0, 250] : [Number(process.env.FLAGON_SEED)];

beforeEach(holdTime);
afterEach(letTimeGo);

describe.each(places)("%s: many browsers before a few processes", (place) => {
  test("keep what holds, in whatever trouble", async () => {
    const [first = 0, end = first + 1] = seeds;
    for (let seed = first; seed < end; seed++) await play(place, seed);
  });
});
