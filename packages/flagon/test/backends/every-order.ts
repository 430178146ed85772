import type { Command, Pick } from "./scheduler.ts";

/** Says whose command comes next. */
export interface Order {
  /** One of these; null when going on from here would show nothing new. */
  next(commands: readonly Command[]): Command | null;
  /** The command that was chosen is carried out; `isSeen`: others than who asked for it can tell. */
  done(isSeen: boolean): void;
}

/** Any order there may be, as `pick` has it. */
export function anyOrder(pick: Pick): Order {
  return { next: (commands) => commands[pick(commands.length)] ?? null, done: () => {} };
}

/** One choice on the way. */
interface Turn {
  readonly actors: readonly string[];
  chosen: string;
  isSeen: boolean;
  /** Whose command need not come next, since what follows was played already; with each, whether it is seen. */
  readonly asleep: Map<string, boolean>;
}

/**
 * Plays every order of commands but for those that differ from one that was played only in neighbours whose places nobody
 * can tell: both read, or they are about different rows, and not both are seen from outside. So all that can be seen is
 * seen, in every order. (Sleep sets: Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996,
 * chapter 5.)
 *
 * `play` resolves whether it came to its end. Stops after `max` plays; resolves how many orders there were, and whether all.
 */
export async function everyOrder(
  max: number,
  play: (order: Order) => Promise<boolean>,
): Promise<{ orders: number; all: boolean }> {
  const path: Turn[] = [];
  let orders = 0;
  for (let plays = 1; ; plays++) {
    if (await play(along(path))) orders++;
    for (let last = path.at(-1); last !== undefined && !turnedOn(last); last = path.at(-1)) path.pop();
    if (path.length === 0) return { orders, all: true };
    if (plays === max) return { orders, all: false };
  }
}

/** The order that begins with the choices of `path`, and adds those that come after. */
function along(path: Turn[]): Order {
  let depth = 0;
  let asleep = new Map<string, boolean>();
  let waiting: readonly Command[] = [];
  return {
    next(commands) {
      waiting = commands;
      const turn = path[depth] ?? firstTurn(commands, asleep);
      if (turn === null) return null;
      path[depth++] = turn;
      const command = commands.find(({ actor }) => actor === turn.chosen);
      if (command === undefined) throw new Error("the same choices led elsewhere");
      return command;
    },
    done(isSeen) {
      const turn = path[depth - 1] as Turn;
      turn.isSeen = isSeen;
      const commandOf = (name: string): Command | undefined => waiting.find(({ actor }) => actor === name);
      const done = commandOf(turn.chosen);
      asleep = new Map(
        [...turn.asleep].filter(([actor, wasSeen]) => !(isSeen && wasSeen) && commute(done, commandOf(actor))),
      );
    },
  };
}

function firstTurn(commands: readonly Command[], asleep: Map<string, boolean>): Turn | null {
  const actors = commands.map(({ actor }) => actor);
  const chosen = actors.find((actor) => !asleep.has(actor));
  return chosen === undefined ? null : { actors, chosen, isSeen: false, asleep: new Map(asleep) };
}

/** Chooses the next one here; false when there is none. */
function turnedOn(turn: Turn): boolean {
  turn.asleep.set(turn.chosen, turn.isSeen);
  const next = turn.actors.find((actor) => !turn.asleep.has(actor));
  if (next !== undefined) turn.chosen = next;
  return next !== undefined;
}

/** Whether two commands do the same in either order. */
function commute(one: Command | undefined, other: Command | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return (one.isRead && other.isRead) || (one.row !== null && other.row !== null && one.row !== other.row);
}
