import { anyOrder, everyOrder, type Order } from "./every-order.ts";
import { type Fate, type Pick, seeded } from "./scheduler.ts";
import { type Act, acts, checkEnd, checkTroubledEnd, type Place, type Scenario, World } from "./world.ts";

export const places: readonly Place[] = ["store", "revocations", "moving"];
export const starts: readonly Scenario["start"][] = ["anonymous", "signed in", "rotated"];
export const allActs: readonly Act[] = Object.values(acts);

/** Every two acts, in each place and start. */
export function allPairs(): Scenario[] {
  const pairs = allActs.flatMap((first, n) => allActs.slice(n).map((second) => [[first], [second]]));
  return places.flatMap((place) => starts.flatMap((start) => pairs.map((actors) => ({ place, start, actors }))));
}

/** Two to four browsers with the same cookie, each with one to three requests. */
export function anyScenario(pick: Pick): Scenario {
  const anyAct = (): Act => allActs[pick(allActs.length)] as Act;
  const anyActs = (): Act[] => Array.from({ length: 1 + pick(3) * pick(2) }, anyAct);
  return {
    place: places[pick(places.length)] as Place,
    start: starts[pick(starts.length)] as Scenario["start"],
    actors: Array.from({ length: 2 + pick(3) }, anyActs),
  };
}

/** Resolves whether the order was one to its end. */
async function played(scenario: Scenario, order: Order): Promise<boolean> {
  const world = new World(scenario);
  const isWhole = await world.play(order);
  if (isWhole) await checkEnd(world);
  return isWhole;
}

export async function inOrder(scenario: Scenario, pick: Pick): Promise<void> {
  await played(scenario, anyOrder(pick));
}

/** In the order of these turns, a letter for each actor's; one with nothing to do misses its turn. */
export async function inThisOrder(scenario: Scenario, turns: string): Promise<void> {
  const left = [...turns];
  const next: Order["next"] = (commands) => {
    for (let turn = left.shift(); turn !== undefined; turn = left.shift()) {
      const command = commands.find(({ actor }) => actor === turn);
      if (command !== undefined) return command;
    }
    return commands[0] ?? null;
  };
  await played(scenario, { next, done: () => {} });
}

/**
 * All orders there are when `max` plays show them; else what so many show, and as many that are picked at random. Resolves
 * how many.
 */
export async function inEveryOrder(scenario: Scenario, max: number): Promise<number> {
  const { all, orders } = await everyOrder(max, (order) => played(scenario, order));
  if (all) return orders;
  for (let seed = 0; seed < max; seed++) await inOrder(scenario, seeded(seed));
  return orders + max;
}

/** As `inOrder`, but a process dies, and commands or their answers are lost, as `pick` has it. */
export async function inTrouble(scenario: Scenario, pick: Pick): Promise<void> {
  const world = new World(scenario);
  await world.play(anyOrder(pick), (): Fate | "dies" => {
    const kind = pick(12);
    if (kind === 0) return "dies";
    if (kind === 1) return "lost";
    return kind === 2 ? "unanswered" : "answered";
  });
  await checkTroubledEnd(world);
}
