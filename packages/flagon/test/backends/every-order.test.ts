import { expect, test } from "vitest";
import { everyOrder, type Order } from "./every-order.ts";
import { type Command, type Pick, seeded } from "./scheduler.ts";

interface Step {
  readonly row: string | null;
  readonly isRead: boolean;
  /** Whether a read's answer is told to everybody; what a write changes is. */
  readonly isTold: boolean;
}

/** What each actor does: at every step one of two things, as the row that it looked at last has it. */
type Programs = Readonly<Record<string, readonly (readonly [Step, Step])[]>>;

function anyPrograms(pick: Pick): Programs {
  const anyStep = (): Step => ({
    row: ["x", "y", "z", null][pick(4)] ?? null,
    isRead: pick(3) > 0,
    isTold: pick(3) === 0,
  });
  const anySteps = (): [Step, Step][] => Array.from({ length: 1 + pick(3) }, () => [anyStep(), anyStep()]);
  return { A: anySteps(), B: anySteps(), ...(pick(2) === 0 && { C: anySteps() }) };
}

/** Plays the programs, and resolves all that anybody could see on the way; null when the order stopped on its way. */
function played(programs: Programs, order: Order): string | null {
  const rows = new Map<string, string>();
  const told: string[] = [];
  const seen: string[] = [];
  const actors = Object.keys(programs).map((name) => ({ name, at: 0, looked: "" }));
  for (;;) {
    const waiting = actors.flatMap((actor): (Command & { step: Step })[] => {
      const step = programs[actor.name]?.[actor.at]?.[actor.looked.length % 2];
      return step === undefined ? [] : [{ ...step, step, actor: actor.name, text: "" }];
    });
    if (waiting.length === 0) return seen.join("\n");
    const next = order.next(waiting);
    if (next === null) return null;
    const actor = actors.find(({ name }) => name === next.actor);
    const step = waiting.find((each) => each.actor === next.actor)?.step;
    if (actor === undefined || step === undefined) throw new Error("nobody's turn");
    actor.at++;
    const names = step.row === null ? ["x", "y", "z"] : [step.row];
    if (step.isRead) actor.looked += names.map((name) => rows.get(name) ?? "").join();
    else for (const name of names) rows.set(name, `${rows.get(name) ?? ""}${actor.name}${actor.looked}`);
    if (step.isRead && step.isTold) told.push(`${actor.name} ${actor.looked}`);
    const isSeen = !step.isRead || step.isTold;
    if (isSeen) seen.push(`${[...rows].sort().join()} ${[...told].sort().join()}`);
    order.done(isSeen);
  }
}

/** What can be seen in all orders there are, one after another without any wit. */
function allSeen(programs: Programs): { seen: Set<string>; orders: number } {
  const seen = new Set<string>();
  const path: { picked: number; count: number }[] = [];
  for (let orders = 1; ; orders++) {
    let depth = 0;
    const next: Order["next"] = (commands) => {
      path[depth] ??= { picked: 0, count: commands.length };
      return commands[path[depth++]?.picked ?? 0] ?? null;
    };
    seen.add(String(played(programs, { next, done: () => {} })));
    for (let last = path.at(-1); last !== undefined && ++last.picked === last.count; last = path.at(-1)) path.pop();
    if (path.length === 0) return { seen, orders };
  }
}

test("in fewer orders than all, everything is seen that can be seen in all, and in each order of it", async () => {
  let [few, all] = [0, 0];
  for (let seed = 0; seed < 300; seed++) {
    const programs = anyPrograms(seeded(seed));
    const expected = allSeen(programs);
    const seen = new Set<string>();
    const { orders } = await everyOrder(Number.POSITIVE_INFINITY, async (order) => {
      const what = played(programs, order);
      if (what !== null) seen.add(what);
      return what !== null;
    });
    expect([...seen].sort(), `seed ${seed}`).toEqual([...expected.seen].sort());
    few += orders;
    all += expected.orders;
  }
  expect(few).toBeLessThan(all / 2);
});

test("it stops after so many, and says that there are more", async () => {
  const write: Step = { row: "x", isRead: false, isTold: false };
  const programs: Programs = { A: [[write, write]], B: [[write, write]] };
  const play = async (order: Order): Promise<boolean> => played(programs, order) !== null;
  expect(await everyOrder(1, play)).toEqual({ orders: 1, all: false });
  expect(await everyOrder(2, play)).toEqual({ orders: 2, all: true });
});
