import { afterEach, beforeEach, test } from "vitest";
import { inEveryOrder, pairsIn, starts } from "./orders.ts";
import { holdTime, letTimeGo } from "./pauses.ts";

beforeEach(holdTime);
afterEach(letTimeGo);

test.each(starts)("each two requests in every order: revocations, %s", async (start) => {
  for (const pair of pairsIn("revocations")) {
    await inEveryOrder({ place: "revocations", start, actors: pair.map((act) => [act]) });
  }
});
