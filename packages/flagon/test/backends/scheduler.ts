import { SessionError, type Store } from "flagon";

/** A store's command that waits for its turn. */
export interface Command {
  readonly actor: string;
  readonly text: string;
  /** The row that it is about; null for one about all of a user's, or all there are. */
  readonly row: string | null;
  readonly isRead: boolean;
  /** Whether it is no command of the store's, so that nothing of it can be lost. */
  readonly isTurn?: boolean;
}

interface Waiting extends Command {
  readonly go: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * What becomes of a store's command when its turn comes: it takes effect, is lost, takes effect and the answer is lost, is sent
 * a second time by a client that lost its connection, or takes effect when nobody waits for it any more.
 */
export type Fate = "answered" | "lost" | "unanswered" | "twice" | "late";

/**
 * Lets many requests run at once, one store command at a time: each command waits until `step` names it. Between two
 * commands a request does nothing that another one could see, so the orders of commands are all the orders there are.
 */
export class Scheduler {
  #waiting: Waiting[] = [];
  readonly #dead: Set<string> = new Set();
  #lateCount = 0;
  #fate: Fate = "answered";
  /** Until this is called, commands pass as they come: for what is to happen before. */
  #isHolding = false;
  /** What was done, in order; a failing test shows it. */
  readonly trace: string[] = [];

  hold(): void {
    this.#isHolding = true;
  }

  release(): void {
    this.#isHolding = false;
    this.#fate = "answered";
    for (const waiting of this.#waiting.splice(0)) waiting.go();
  }

  /** The store as one process sees it; `actor` tells who asks. */
  storeOf(actor: () => string, store: Store): Store {
    const ask = <Answer>(text: string, row: string | null, run: () => Promise<Answer>): Promise<Answer> =>
      this.#ask({ actor: actor(), text, row, isRead: /^(read|list) /.test(text) }, run);
    return {
      read: (id) => ask(`read ${id}`, id, () => store.read(id)),
      create: (session) => ask(`create ${session.id}`, session.id, () => store.create(session)),
      replace: (session, version) => {
        const how = session.data === null ? " by a tombstone" : "";
        return ask(`replace ${session.id}${how}`, session.id, () => store.replace(session, version));
      },
      touch: (id, clocks) => ask(`touch ${id}`, id, () => store.touch(id, clocks)),
      delete: (id) => ask(`delete ${id}`, id, () => store.delete(id)),
      list: (userId) => ask(`list ${userId}`, null, () => store.list(userId)),
      deleteExpired: (now) => ask("deleteExpired", null, () => store.deleteExpired(now)),
    };
  }

  /** Something else that has its place among the commands. Nobody can tell where, but for others about the same `row`. */
  async turn(actor: string, text: string, row: string | null): Promise<void> {
    await this.#ask({ actor, text, row, isRead: false, isTurn: true }, async () => {});
  }

  isDead(actor: string): boolean {
    return this.#dead.has(actor);
  }

  /** What waits for a turn. One command each: what a request asks for at once is answered in the order of its asking. */
  get waiting(): Command[] {
    const first = new Map<string, Command>();
    for (const each of this.#waiting) if (!first.has(each.actor)) first.set(each.actor, each);
    return [...first.values()].sort((a, b) => (a.actor < b.actor ? -1 : 1));
  }

  /** Carries out the next command of this actor, and lets everybody go on as far as they can. */
  async step(actor: string, fate: Fate = "answered"): Promise<void> {
    const index = this.#waiting.findIndex((waiting) => waiting.actor === actor);
    const [waiting] = this.#waiting.splice(index, 1);
    if (index === -1 || waiting === undefined) throw new Error(`${actor} waits for nothing`);
    this.trace.push(`${actor}: ${waiting.text}${fate === "answered" ? "" : ` (${fate})`}`);
    this.#fate = fate;
    if (fate === "lost") waiting.fail(new Error("connection lost"));
    else waiting.go();
    await settled();
  }

  /** Carries out this actor's next command, if there is one. */
  async stepOf(actor: string): Promise<void> {
    await settled();
    if (this.waiting.some((waiting) => waiting.actor === actor)) await this.step(actor);
  }

  /** Carries out this actor's commands to the end, or until the next one begins with this text. */
  async stepsOf(actor: string, end?: string): Promise<void> {
    await settled();
    for (;;) {
      const next = this.waiting.find((waiting) => waiting.actor === actor);
      if (next === undefined || (end !== undefined && next.text.startsWith(end))) return;
      await this.step(actor);
    }
  }

  /** The process dies: nothing of what it was about to do happens. */
  async kill(actor: string): Promise<void> {
    this.trace.push(`${actor}: dies`);
    this.#dead.add(actor);
    for (const waiting of this.#waiting.filter((each) => each.actor === actor)) waiting.fail(new Error("died"));
    this.#waiting = this.#waiting.filter((each) => each.actor !== actor);
    await settled();
  }

  async #ask<Answer>(command: Command, run: () => Promise<Answer>): Promise<Answer> {
    if (this.#dead.has(command.actor)) throw new Error("died");
    if (!this.#isHolding) return run();
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ ...command, go: resolve, fail: reject });
    });
    const fate = this.#fate;
    this.#fate = "answered";
    if (fate === "late") {
      this.#keepForLater(command, run);
      throw new SessionError("store_timeout", "the session store did not answer in time");
    }
    if (fate === "twice") await run().catch(() => {});
    const answer = await run();
    if (fate === "unanswered") throw new Error("connection lost");
    return answer;
  }

  /** The command is on its way to the engine, whatever becomes of who sent it. */
  #keepForLater(command: Command, run: () => Promise<unknown>): void {
    const go = (): void => void run().catch(() => {});
    this.#waiting.push({ ...command, actor: `late ${++this.#lateCount}`, go, fail: () => {} });
  }
}

/** Resolves when nothing moves any more: all that is under way then waits for a turn, or for a timer. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Says which of `count` to take. */
export type Pick = (count: number) => number;

/** A generator of picks that gives the same ones for the same seed (mulberry32). */
export function seeded(seed: number): Pick {
  let state = seed >>> 0;
  return (count) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * count) | 0;
  };
}
