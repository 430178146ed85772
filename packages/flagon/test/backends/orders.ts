import type { Store } from "flagon";
import { type Act, allActs, ownActs } from "./acts.ts";
import { anyOrder, everyOrder, type Order } from "./every-order.ts";
import type { Place } from "./processes.ts";
import { type Fate, type Pick, seeded } from "./scheduler.ts";
import { noTrouble, type Scenario, World } from "./world.ts";

export const places: readonly Place[] = ["store", "revocations", "cookie", "moving"];
export const starts: readonly Scenario["start"][] = ["anonymous", "signed in", "rotated"];

/** What may be asked for where sessions live there. */
export function actsIn(place: Place): readonly Act[] {
  return place === "cookie" ? ownActs : allActs;
}

/** Every two acts, each also beside itself. */
export function pairsIn(place: Place): (readonly [Act, Act])[] {
  const all = actsIn(place);
  return all.flatMap((first, n) => all.slice(n).map((second) => [first, second] as const));
}

/** Two to four browsers with the same cookie, each with one to three requests. */
export function anyScenario(pick: Pick, given?: Place): Scenario {
  const place = given ?? (places[pick(places.length)] as Place);
  const all = actsIn(place);
  const anyAct = (): Act => all[pick(all.length)] as Act;
  const anyActs = (): Act[] => Array.from({ length: 1 + pick(3) * pick(2) }, anyAct);
  return {
    place,
    start: starts[pick(starts.length)] as Scenario["start"],
    actors: Array.from({ length: 2 + pick(3) }, anyActs),
  };
}

/** What else is looked at when an order was played to its end. */
export type AtEnd = (world: World) => Promise<void>;

export interface Playing {
  readonly atEnd?: AtEnd;
  /** A store to see the checks fail with. */
  readonly broken?: (store: Store) => Store;
}

/** Resolves whether the order was one to its end. */
async function played(scenario: Scenario, order: Order, { atEnd, broken }: Playing): Promise<boolean> {
  const world = new World(scenario, broken);
  const isWhole = await world.play(order);
  if (!isWhole) return false;
  await world.checkEnd();
  await atEnd?.(world);
  return true;
}

export async function inOrder(scenario: Scenario, pick: Pick, playing: Playing = {}): Promise<void> {
  await played(scenario, anyOrder(pick), playing);
}

/**
 * All orders there are when `max` plays show them; else what so many show, and as many that are picked at random. Resolves
 * how many.
 */
export async function inEveryOrder(
  scenario: Scenario,
  max: number = Number.POSITIVE_INFINITY,
  playing: Playing = {},
): Promise<number> {
  const { all, orders } = await everyOrder(max, (order) => played(scenario, order, playing));
  if (all) return orders;
  for (let seed = 0; seed < max; seed++) await inOrder(scenario, seeded(seed), playing);
  return orders + max;
}

const fates: readonly (Fate | "dies")[] = ["dies", "lost", "unanswered", "twice", "late"];

/** As `inOrder`, but a process dies, and commands or their answers are lost or come late, as `pick` has it. */
export async function inTrouble(scenario: Scenario, pick: Pick): Promise<void> {
  const world = new World(scenario);
  await world.play(anyOrder(pick), { ...noTrouble, fate: () => fates[pick(15)] ?? "answered" });
  await world.checkEnd(true);
}
