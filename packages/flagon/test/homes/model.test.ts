import { afterEach, beforeEach, describe, test, vi } from "vitest";
import { everyWay, seeded } from "./scheduler.ts";
import { type Act, acts, checkEnd, type Place, type Scenario, World } from "./world.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const WAYS_MAX = Number(process.env.FLAGON_WAYS ?? 1_000);

async function inEveryOrder(scenario: Scenario): Promise<void> {
  const { all } = await everyWay(WAYS_MAX, async (pick) => {
    const world = new World(scenario);
    await world.play(pick);
    await checkEnd(world);
  });
  if (all) return;
  for (let seed = 0; seed < WAYS_MAX; seed++) {
    const world = new World(scenario);
    await world.play(seeded(seed));
    await checkEnd(world);
  }
}

const pairs: Act[] = [
  acts.set,
  acts.rotate,
  acts.login,
  acts.loginOther,
  acts.logout,
  acts.destroy,
  acts.farewell,
  acts.revoke,
  acts.revokeUser,
  acts.revokeOthers,
  acts.changePassword,
  acts.resetPassword,
];

describe.each<Place>(["store", "revocations"])("%s", (place) => {
  describe.each<Scenario["start"]>(["anonymous", "signed in", "rotated"])("%s", (start) => {
    for (const [n, first] of pairs.entries())
      for (const second of pairs.slice(n)) {
        test(`${first.name} | ${second.name}`, async () => {
          await inEveryOrder({ place, start, actors: [[first], [second]] });
        });
      }
  });
});
