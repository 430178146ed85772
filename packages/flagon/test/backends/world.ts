import {
  createSessions,
  type Session,
  SessionError,
  type SessionOptions,
  type Sessions,
  type Store,
  sealed,
} from "flagon";
import { memoryStore } from "flagon/memory";
import { expect } from "vitest";
import { DAY, type Data, MINUTE, NOON, requestOf, SECRET } from "../browser.ts";
import { type Act, USER } from "./acts.ts";
import { Checks } from "./checks.ts";
import { cookieIn, type NamedByCookie, namedBy } from "./cookie-names.ts";
import type { Order } from "./every-order.ts";
import { forgetPauses, pass } from "./pauses.ts";
import { type Fate, Scheduler, settled } from "./scheduler.ts";

/** Where the sessions live; "moving": in sealed cookies, before an app that keeps them in a store from now on. */
export type Place = "store" | "revocations" | "cookie" | "moving";

export interface Scenario {
  readonly place: Place;
  /** Who is the visitor before: nobody known, signed in, or signed in and rotated since. */
  readonly start: "anonymous" | "signed in" | "rotated";
  /**
   * What runs in parallel; each list runs in a process of its own, but for sealed cookies without a store, one request after
   * another, with its own jar.
   */
  readonly actors: readonly (readonly Act[])[];
}

/** One request, and what became of it. */
export interface Asked {
  readonly act: Act;
  readonly actor: string;
  /** What its cookie names; null for one without. */
  readonly came: NamedByCookie | null;
  /** From which beginning its session comes. */
  readonly lineage: number;
  /** Counts what happens, over all requests. */
  readonly arrivedAt: number;
  /** When it asked for the user's sessions to be ended; null while it has not. */
  revokedAt: number | null;
  /** `session.id` as its handler found it, and whether a session was opened. */
  openedId: string;
  isOpened: boolean;
  /** `session.id` when the handler was through. */
  handledId: string;
  state: "under way" | "answered" | "failed";
  /** Counts on from `arrivedAt`; 0 while it is under way. */
  answeredAt: number;
  /** The cookie that its answer sets, null for a deletion; undefined for neither. */
  cookie?: string | null;
}

/** A cookie that some answer has set. */
export interface Issued {
  readonly named: NamedByCookie;
  readonly lineage: number;
  /** Null for the one that all began with. */
  readonly by: Asked | null;
}

interface Actor {
  readonly name: string;
  readonly sessions: Sessions<Data>;
  cookie: string | null;
}

/** What a process remembers, as `src/util/process-memory.ts` keeps it. */
const memory: unique symbol = Symbol.for("flagon.memory.v1") as never;

/** A visitor, a store, and all that happens to them in one order of things. */
export class World {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler = new Scheduler();
  readonly issued: Map<string, Issued> = new Map();
  readonly asked: Asked[] = [];
  /** The id of the session that all begin with. */
  firstId = "";
  first: string = "";
  readonly #raw: Store;
  readonly #probe: Sessions<Data>;
  readonly #checks: Checks = new Checks(this);
  #time = NOON;
  /** Counts what happens to the store, and all that happens. */
  #changes = 0;
  #moment = 0;
  #lineages = 0;
  #lookedAt = "";

  /** `broken`: a store to see the checks fail with. */
  constructor(scenario: Scenario, broken: (store: Store) => Store = (store) => store) {
    this.scenario = scenario;
    this.#raw = this.#watched(broken(memoryStore({ now: () => this.#time })));
    this.#probe = this.#newProcess(this.#raw);
  }

  #watched(store: Store): Store {
    const changing = <Answer>(answer: Promise<Answer>): Promise<Answer> => {
      this.#changes++;
      return answer;
    };
    return {
      ...store,
      create: (session) => changing(store.create(session)),
      replace: async (session, version) => {
        const isReplaced = await store.replace(session, version);
        if (isReplaced) this.#changes++;
        return isReplaced;
      },
      touch: (id, clocks) => changing(store.touch(id, clocks)),
      delete: (id) => changing(store.delete(id)),
    };
  }

  /** The sessions of a process that remembers nothing of the others. */
  #newProcess(store: Store, place: Place = this.scenario.place): Sessions<Data> {
    (globalThis as { [memory]?: Map<string, object> })[memory]?.clear();
    const options: SessionOptions<Data> = { secret: SECRET, now: () => this.#time };
    if (place === "cookie") return createSessions<Data>(options);
    const lasting = { ...options, storeTimeout: "1d" } as const;
    if (place === "revocations") return createSessions<Data>({ ...lasting, revocations: { store, staleness: 0 } });
    const upgradeFrom = place === "moving" ? [{ codec: sealed, until: new Date(NOON + DAY) }] : [];
    return createSessions<Data>({ ...lasting, store, upgradeFrom });
  }

  /**
   * Plays the scenario in this order, and resolves whether to its end. `trouble` may spoil a step: what it returns happens
   * to it.
   */
  async play(order: Order, trouble: () => Fate | "dies" = () => "answered"): Promise<boolean> {
    forgetPauses();
    await this.#begin();
    const actors = await this.#actors();
    this.scheduler.hold();
    let running = actors.length;
    const work = actors.map((actor, index) =>
      this.#run(actor, this.scenario.actors[index] ?? []).finally(() => {
        running--;
      }),
    );
    await settled();
    this.#lookedAt = this.#seen;
    while (running > 0 || this.scheduler.waiting.length > 0) {
      const { waiting } = this.scheduler;
      if (waiting.length === 0) {
        // Somebody waits for a moment before the next try.
        await pass(60);
        continue;
      }
      const command = order.next(waiting);
      if (command === null) return false;
      const before = this.#seen;
      const fate = command.isTurn || command.actor.startsWith("late") ? "answered" : trouble();
      if (fate === "dies") await this.scheduler.kill(command.actor);
      else await this.scheduler.step(command.actor, fate);
      order.done(this.#seen !== before);
      await this.#look();
    }
    await Promise.all(work);
    this.scheduler.release();
    return true;
  }

  /** Changes with whatever may change what there is to be seen. */
  get #seen(): string {
    const ended = this.asked.filter(({ state }) => state !== "under way");
    return `${this.#changes} ${this.issued.size} ${ended.length}`;
  }

  async #begin(): Promise<void> {
    const { place, start } = this.scenario;
    const sessions = place === "moving" ? this.#newProcess(this.#raw, "cookie") : this.#probe;
    let cookie: string | null = null;
    const ask = async (handle: (session: Session<Data>) => unknown): Promise<void> => {
      const session = await sessions.open(requestOf(cookie === null ? {} : { cookie }));
      handle(session);
      this.firstId = session.id;
      cookie = setBy(await sessions.commit(session)) ?? cookie;
    };
    await ask((session) => session.set("cart", 1));
    if (start !== "anonymous") await ask((session) => session.login(USER));
    if (start === "rotated") await ask((session) => session.rotate());
    this.first = String(cookie);
    this.issued.set(this.first, { named: namedBy(this.first), lineage: 0, by: null });
    // A tenth of the idle time: whoever only reads renews the session.
    this.#time += 4 * MINUTE;
  }

  async #actors(): Promise<Actor[]> {
    const { place, actors } = this.scenario;
    const made: Actor[] = [];
    for (const index of actors.keys()) {
      const name = String.fromCharCode(65 + index);
      const sessions = place === "cookie" ? this.#probe : this.#newProcess(this.scheduler.storeOf(name, this.#raw));
      // What is fetched at the first use is there from now on.
      await sessions.open(requestOf());
      made.push({ name, sessions, cookie: this.first });
    }
    return made;
  }

  async #run(actor: Actor, list: readonly Act[]): Promise<void> {
    for (const act of list) if (!(await this.#request(actor, act))) return;
  }

  /** Resolves whether it was answered without an error. */
  async #request(actor: Actor, act: Act): Promise<boolean> {
    const { name } = actor;
    const isTurn = this.scenario.place === "cookie";
    const isRevoking = this.scenario.actors.flat().some(({ ends }) => ends === "user");
    // Whether a sign-in came before or after somebody ended the user's sessions.
    if (act.signsIn !== undefined && isRevoking) await this.scheduler.turn(name, `${act.name} arrives`, "moments");
    if (isTurn) await this.scheduler.turn(name, `${act.name} opens`, null);
    const asked = this.#newAsked(actor, act);
    try {
      const session = await actor.sessions.open(requestOf(actor.cookie === null ? {} : { cookie: actor.cookie }));
      asked.openedId = session.id;
      asked.isOpened = !session.isNew;
      await this.#handle(actor, asked, session);
      if (isTurn) await this.scheduler.turn(name, `${act.name} commits`, null);
      const cookie = setBy(await actor.sessions.commit(session));
      if (cookie !== undefined) asked.cookie = cookie;
      asked.state = "answered";
      this.scheduler.trace.push(`${name}: ${act.name} is answered${asked.cookie ? " with a cookie" : ""}`);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      asked.state = "failed";
      this.scheduler.trace.push(`${name}: ${error}`);
      const line = error.headers["set-cookie"];
      if (line !== undefined && !this.scheduler.isDead(name)) asked.cookie = cookieIn(line);
    }
    asked.answeredAt = ++this.#moment;
    if (asked.cookie !== undefined) actor.cookie = asked.cookie;
    if (asked.cookie) this.#issue(asked.cookie, asked);
    return asked.state === "answered";
  }

  async #handle({ name, sessions }: Actor, asked: Asked, session: Session<Data>): Promise<void> {
    const beforeRevoking = async (): Promise<void> => {
      if (this.#hasSignIn) await this.scheduler.turn(name, "asks for the user's sessions to end", "moments");
      asked.revokedAt = this.#nextMoment();
    };
    const key = keyOf(asked);
    await asked.act.handle({ session, sessions, name: key, firstId: this.firstId, beforeRevoking });
    asked.handledId = session.id;
  }

  /** Nothing of which the order counts happens within one millisecond of two processes' clocks. */
  #nextMoment(): number {
    this.#time += 2;
    return ++this.#moment;
  }

  get #hasSignIn(): boolean {
    return this.scenario.actors.flat().some(({ signsIn }) => signsIn !== undefined);
  }

  #newAsked({ name, cookie }: Actor, act: Act): Asked {
    const lineage = (cookie === null ? undefined : this.issued.get(cookie)?.lineage) ?? ++this.#lineages;
    const asked: Asked = {
      act,
      actor: name,
      came: cookie === null ? null : namedBy(cookie),
      lineage,
      arrivedAt: this.#nextMoment(),
      revokedAt: null,
      openedId: "",
      isOpened: false,
      handledId: "",
      state: "under way",
      answeredAt: 0,
    };
    this.asked.push(asked);
    return asked;
  }

  #issue(cookie: string, by: Asked): void {
    if (!this.issued.has(cookie)) this.issued.set(cookie, { named: namedBy(cookie), lineage: by.lineage, by });
  }

  /** What a cookie opens now; null for nothing. */
  async opened(cookie: string): Promise<Session<Data> | null> {
    const session = await this.#probe.open(requestOf({ cookie }));
    return session.isNew ? null : session;
  }

  /** What holds after every step; looked at when it may have changed. */
  async #look(): Promise<void> {
    if (this.#lookedAt === this.#seen) return;
    await this.#checks.look();
    this.#lookedAt = this.#seen;
  }

  /** What has to be true at the end; `isTroubled`: processes died and answers were lost. */
  async checkEnd(isTroubled = false): Promise<void> {
    await this.#checks.look();
    if (!isTroubled) this.#checks.end();
  }

  fail(what: string): never {
    const { place, start, actors } = this.scenario;
    const title = actors.map((list) => list.map(({ name }) => name).join(", then ")).join(" | ");
    return expect.fail(`${what}\n${place}, ${start}: ${title}\n${this.scheduler.trace.join("\n")}\n`);
  }
}

/** The key under which a request stores something. */
export function keyOf({ actor, arrivedAt }: Asked): string {
  return `${actor}${arrivedAt}`;
}

function setBy(lines: readonly (readonly [name: string, value: string])[]): string | null | undefined {
  const line = lines.find(([name]) => name === "Set-Cookie")?.[1];
  return line === undefined ? undefined : cookieIn(line);
}
