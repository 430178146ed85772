import type { Store } from "flagon";
import { type Act, acts } from "./acts.ts";
import { anyOrder } from "./every-order.ts";
import { actsIn } from "./orders.ts";
import type { Place } from "./processes.ts";
import { type Fate, type Pick, seeded } from "./scheduler.ts";
import { noTrouble, type Scenario, type Trouble, World } from "./world.ts";

/*
 * Many browsers with two or three tabs each, before a few processes, over a store whose commands and answers get lost, come
 * late or twice; processes die, answers never reach their browser, and time goes by. All of it comes from one seed.
 */

const starts: readonly Scenario["start"][] = ["anonymous", "signed in", "rotated"];

/** What people do all day long, each as likely as all the other acts together. */
const frequent: readonly Act[] = [acts.read, acts.set, acts.save];

function anyBrowsers(place: Place, pick: Pick): Scenario {
  const all = actsIn(place);
  const anyAct = (): Act => (pick(3) > 0 ? all[pick(all.length)] : frequent[pick(frequent.length)]) as Act;
  const browsers = 1 + pick(5);
  return {
    place,
    start: starts[pick(starts.length)] as Scenario["start"],
    browsers,
    actors: Array.from({ length: browsers + pick(browsers + 2) }, () => Array.from({ length: 1 + pick(3) }, anyAct)),
    processes: 1 + pick(3),
  };
}

const fates: readonly (Fate | "dies")[] = ["dies", "lost", "unanswered", "twice", "late"];

/** Shorter, and longer, than a late request is taken for one. All together they end no session. */
const pauses: readonly number[] = [1_000, 31_000];

function anyTrouble(pick: Pick): Trouble {
  return {
    fate: () => fates[pick(20)] ?? "answered",
    isAnswerLost: () => pick(10) === 0,
    pause: () => pauses[pick(20)] ?? 0,
  };
}

/** Plays what this seed has, in trouble but for every third. `broken`: a store to see the checks fail with. */
export async function play(place: Place, seed: number, broken?: (store: Store) => Store): Promise<void> {
  const pick = seeded(seed);
  const isTroubled = seed % 3 > 0;
  const world = new World(anyBrowsers(place, pick), broken);
  try {
    await world.play(anyOrder(pick), isTroubled ? anyTrouble(pick) : noTrouble);
    await world.checkEnd(isTroubled);
    await world.checkRecovery();
  } catch (error) {
    throw new Error(`FLAGON_SEED=${seed}, ${place}: ${(error as Error).message}`, { cause: error });
  }
}
