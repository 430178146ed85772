import { afterEach, beforeEach, describe, test } from "vitest";
import { allPairs, anyScenario, inEveryOrder, inOrder, inThisOrder, inTrouble, places, starts } from "./orders.ts";
import { holdTime, letTimeGo } from "./pauses.ts";
import { seeded } from "./scheduler.ts";
import { acts, type Scenario } from "./world.ts";

/*
 * No order of requests that change, rotate, sign in, sign out and revoke leaves two good sessions from one, brings one
 * back that was over, or loses one that nobody ended; and an end that was acknowledged holds. Some orders of everything
 * here; the long tests have all of them for two requests, and many more for the rest.
 */
beforeEach(holdTime);
afterEach(letTimeGo);

const PARTS = 8;

describe.each(places)("every order, in the place of %s,", (place) => {
  const { login, logout, revoke, revokeOthers, rotate, set } = acts;

  test.each<[title: string, actors: Scenario["actors"]]>([
    ["two sign-ins and a sign-out", [[login], [login], [logout]]],
    ["two rotations, one after the other, and the others revoked", [[rotate, rotate], [revokeOthers]]],
    ["two rotations, one after the other, and a sign-out with the old cookie", [[rotate, rotate], [logout]]],
    ["two rotations, one after the other, and a revoke by the old id", [[rotate, rotate], [revoke]]],
    ["a rotation, a change and a revoke", [[rotate], [set], [revoke]]],
  ])("of %s", async (_title, actors) => {
    for (const start of starts) await inEveryOrder({ place, start, actors }, 60);
  });
});

describe("every order there is, in a store,", () => {
  const { farewell, login } = acts;

  test.each<[title: string, actors: Scenario["actors"]]>([
    ["a sign-in, and two of another copy of the cookie, one after the other", [[login], [login, login]]],
    ["a sign-in, and a sign-out with a last message and a sign-in after it", [[login], [farewell, login]]],
  ])("of %s", async (_title, actors) => {
    await inEveryOrder({ place: "store", start: "anonymous", actors }, Number.POSITIVE_INFINITY);
  });
});

describe.each(starts)("a sign-in that takes the place of a session that has not begun, %s,", (start) => {
  const { farewell, login, rotate } = acts;

  // B finds C's session named and not there, and takes its place. Then C begins, and A, who read C's name before, comes to it.
  test.each([
    ["a sign-in", login],
    ["a rotation", rotate],
    ["a sign-out with a last message", farewell],
  ] as const)("leaves it to nobody who still finds it named: %s", async (_title, last) => {
    await inThisOrder({ place: "store", start, actors: [[login], [login], [last]] }, "ABCCAABBBBBCCAAAAAAAABBBBBB");
  });

  // A begins just before B takes its place, and C finds B's session named and not there.
  test("ends what began there before the next one begins", async () => {
    await inThisOrder({ place: "store", start, actors: [[login], [login], [login]] }, "AAABBAAAAABCCCCCCCC");
  });
});

describe.each(Array.from({ length: PARTS }, (_, part) => part))("part %i of the orders", (part) => {
  test("of two requests, each of a kind of its own", async () => {
    const mine = allPairs().filter((_, n) => n % PARTS === part);
    for (const scenario of mine) for (let seed = 0; seed < 3; seed++) await inOrder(scenario, seeded(seed));
  });

  test("of two to four browsers with a few requests each", async () => {
    for (let n = 0; n < 120; n++) {
      const pick = seeded(part * 1_000_000 + n);
      await inOrder(anyScenario(pick), pick);
    }
  });

  test("of such, while processes die and answers are lost", async () => {
    for (let n = 0; n < 120; n++) {
      const pick = seeded(part * 1_000_000 + 500_000 + n);
      await inTrouble(anyScenario(pick), pick);
    }
  });
});
