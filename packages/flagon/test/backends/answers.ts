import type { Asked, World } from "./world.ts";

/** In what order the answers of two requests of one browser reach it, and which never does. */
export interface Delivery {
  readonly name: string;
  /** Which answers arrive, of the one that was sent first and of the other. */
  readonly arrives: readonly [first: boolean, second: boolean];
  readonly isCrossed?: true;
}

export const deliveries: readonly Delivery[] = [
  { name: "in turn", arrives: [true, true] },
  { name: "crossed", arrives: [true, true], isCrossed: true },
  { name: "the first lost", arrives: [false, true] },
  { name: "the second lost", arrives: [true, false] },
];

/** What the browser's user gets of two answers. */
export interface Outcome {
  /** The answers that say something about the cookie, in the order in which they were sent. */
  readonly makers: readonly Asked[];
  /** Whether one of those never arrives. */
  readonly isLost: boolean;
  /** Whether some session lives, and the browser has no cookie that opens one. */
  readonly isLeftOutside: boolean;
}

export async function outcomeOf(world: World, { arrives, isCrossed }: Delivery): Promise<Outcome> {
  const sent = [...world.asked].sort((one, other) => one.answeredAt - other.answeredAt);
  const makers = sent.filter(({ cookie }) => cookie !== undefined);
  const arriving = sent.filter((_, n) => arrives[n]);
  if (isCrossed) arriving.reverse();
  const jar = arriving.reduce<string | null>(
    (before, { cookie }) => (cookie === undefined ? before : cookie),
    world.first,
  );
  const isLost = makers.some((each) => !arriving.includes(each));
  return { makers, isLost, isLeftOutside: !(await opens(world, jar)) && (await isAnyOpen(world)) };
}

async function opens(world: World, cookie: string | null): Promise<boolean> {
  return cookie !== null && (await world.opened(cookie)) !== null;
}

async function isAnyOpen(world: World): Promise<boolean> {
  for (const cookie of world.issued.keys()) if (await opens(world, cookie)) return true;
  return false;
}
