import { afterEach, beforeEach, expect, test } from "vitest";
import { acts } from "./acts.ts";
import { deliveries, type Outcome, outcomeOf } from "./answers.ts";
import { inEveryOrder, starts } from "./orders.ts";
import { holdTime, letTimeGo } from "./pauses.ts";
import type { Place } from "./processes.ts";

/*
 * One browser sends two requests with one cookie, in every order of their commands; their answers reach it in either order, or
 * one never does. It is left with a cookie that works whenever a session lives, but for what is in this table; and what is in
 * it happens.
 */
const exceptions: readonly (readonly [why: string, places: readonly Place[], is: (outcome: Outcome) => boolean])[] = [
  ["the answer that has the new cookie is lost", ["store", "revocations", "cookie"], ({ isLost }) => isLost],
  // What the older of two sealed cookies holds, nobody can take back from the browser.
  ["two answers set sealed cookies", ["revocations", "cookie"], ({ makers }) => makers.length === 2],
  [
    "two answers make cookies of a store, and neither are both rotations nor sign one user in",
    ["store"],
    ({ makers: [one, other] }) => {
      if (one === undefined || other === undefined) return false;
      const areRotations = [one, other].every(({ act }) => act.rotates);
      return !areRotations && (one.act.signsIn === undefined || one.act.signsIn !== other.act.signsIn);
    },
  ],
];

beforeEach(holdTime);
afterEach(letTimeGo);

const { farewell, login, loginOther, logout, permanent, rotate, save, set } = acts;
const all = [set, save, rotate, permanent, login, loginOther, logout, farewell];

test.each(["store", "revocations", "cookie"] as const)(
  "%s: a browser is left with a cookie that works",
  async (place) => {
    const mine = exceptions.filter(([, places]) => places.includes(place));
    const seen = new Set<string>();
    for (const start of starts) {
      for (const [n, first] of all.entries()) {
        for (const second of all.slice(n)) {
          await inEveryOrder({ place, start, actors: [[first], [second]] }, Number.POSITIVE_INFINITY, {
            atEnd: async (world) => {
              for (const delivery of deliveries) {
                const outcome = await outcomeOf(world, delivery);
                if (!outcome.isLeftOutside) continue;
                const [why] =
                  mine.find(([, , is]) => is(outcome)) ??
                  world.fail(`the browser has no cookie for the session, answers ${delivery.name}`);
                seen.add(why);
              }
            },
          });
        }
      }
    }
    expect([...seen].sort()).toEqual(mine.map(([why]) => why).sort());
  },
);
