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
import { type Data, NOON, requestOf, SECRET } from "../browser.ts";
import type { Order } from "./every-order.ts";
import { forgetPauses, pass } from "./pauses.ts";
import { type Fate, Scheduler, settled } from "./scheduler.ts";

export const USER = "u";

/** One request: what its handler does with the session that came with it. */
export interface Act {
  readonly name: string;
  /** Whether its answer means that the session, and what became of it, is over. */
  readonly ends: boolean;
  /** Whether it ends the sessions of a user, rather than this one. */
  readonly ofUser: boolean;
  /** Whether it spares one of them. */
  readonly excepts: boolean;
  /** Whether it signs somebody in anew. */
  readonly signsIn: boolean;
  readonly handle: (session: Session<Data>, world: World, actor: Actor) => unknown;
}

function act(name: string, handle: Act["handle"], kind: "ends" | "signs in" | "neither" | "both" = "neither"): Act {
  const both = kind === "both";
  const ofUser = name.includes("revokeUser");
  const excepts = name.includes("but this one");
  return { name, handle, ends: both || kind === "ends", ofUser, excepts, signsIn: both || kind === "signs in" };
}

export const acts = {
  read: act("read", (session) => session.get("any")),
  set: act("set", (session, _world, { name }) => session.set(name, 1)),
  rotate: act("rotate", (session) => session.rotate()),
  login: act("login", (session) => session.login(USER), "signs in"),
  loginOther: act("login of another", (session) => session.login("v"), "signs in"),
  logout: act("logout", (session) => session.logout(), "ends"),
  destroy: act("destroy", (session) => session.destroy(), "ends"),
  farewell: act(
    "logout and flash",
    (session) => {
      session.logout();
      session.flash("Bye");
    },
    "ends",
  ),
  revoke: act("revoke", (_session, { firstId }, { sessions }) => sessions.revoke(firstId), "ends"),
  revokeUser: act("revokeUser", (_session, _world, { sessions }) => sessions.revokeUser(USER), "ends"),
  revokeOthers: act("revokeUser but this one", (_session, { firstId }, { sessions }) =>
    sessions.revokeUser(USER, { except: firstId }),
  ),
  changePassword: act("rotate and revokeUser but this one", async (session, _world, { sessions }) => {
    if (session.userId === null) return;
    session.rotate();
    await sessions.revokeUser(USER, { except: session.id });
  }),
  resetPassword: act(
    "revokeUser and login",
    async (session, _world, { sessions }) => {
      await sessions.revokeUser(USER, { except: session.id });
      session.login(USER);
    },
    "both",
  ),
} as const satisfies Record<string, Act>;

/** Where the sessions live; "moving": in sealed cookies, before an app that keeps them in a store from now on. */
export type Place = "store" | "revocations" | "moving";

export interface Scenario {
  readonly place: Place;
  /** Who is the visitor before: nobody known, signed in, or signed in and rotated since. */
  readonly start: "anonymous" | "signed in" | "rotated";
  /** What runs in parallel; each list runs in a process of its own, one request after another, with its own jar. */
  readonly actors: readonly (readonly Act[])[];
}

export class Actor {
  readonly name: string;
  readonly sessions: Sessions<Data>;
  cookie: string | null;

  constructor(name: string, sessions: Sessions<Data>, cookie: string | null) {
    this.name = name;
    this.sessions = sessions;
    this.cookie = cookie;
  }
}

/** A visitor, a store, and all that happens to them in one order of things. */
export class World {
  readonly scheduler: Scheduler = new Scheduler();
  readonly #scenario: Scenario;
  readonly #raw: Store;
  readonly #probe: Sessions<Data>;
  readonly #issued: Set<string> = new Set();
  readonly #states: Map<string, "live" | "ended"> = new Map();
  readonly begun: Act[] = [];
  readonly acknowledged: Act[] = [];
  /** The id of the session that all begin with. */
  firstId = "";
  /** How often the store has changed. */
  #changes = 0;
  #lookedAt = "";

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#raw = this.#watched(memoryStore({ now: () => NOON }));
    this.#probe = this.#sessionsOver(this.#raw);
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

  #sessionsOver(store: Store): Sessions<Data> {
    const { place } = this.#scenario;
    const options: SessionOptions<Data> = { secret: SECRET, now: () => NOON, storeTimeout: "1d" };
    if (place === "revocations") return createSessions<Data>({ ...options, revocations: { store, staleness: 0 } });
    const upgradeFrom = place === "moving" ? [{ codec: sealed, until: new Date(NOON + 86_400_000) }] : [];
    return createSessions<Data>({ ...options, store, upgradeFrom });
  }

  /**
   * Plays the scenario in this order, and resolves whether to its end. `trouble` may spoil a step: what it returns happens
   * to it.
   */
  async play(order: Order, trouble: () => Fate | "dies" = () => "answered"): Promise<boolean> {
    forgetPauses();
    const cookie = await this.#begin();
    const actors = this.#scenario.actors.map((_, index) => {
      const name = String.fromCharCode(65 + index);
      return new Actor(name, this.#sessionsOver(this.scheduler.storeOf(name, this.#raw)), cookie);
    });
    for (const { sessions } of actors) await sessions.open(requestOf());
    this.scheduler.hold();
    let running = actors.length;
    const work = actors.map((actor, index) =>
      this.#run(actor, this.#scenario.actors[index] ?? []).finally(() => {
        running--;
      }),
    );
    await settled();
    this.#lookedAt = this.#seen;
    while (running > 0) {
      const { waiting } = this.scheduler;
      if (waiting.length === 0) {
        // Somebody waits for a moment before the next try.
        await pass(60);
        continue;
      }
      const command = order.next(waiting);
      if (command === null) return false;
      const before = this.#seen;
      const fate = trouble();
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
    return `${this.#changes} ${this.#issued.size} ${this.acknowledged.length}`;
  }

  async #begin(): Promise<string> {
    const { place, start } = this.#scenario;
    const before = place === "moving" ? createSessions<Data>({ secret: SECRET, now: () => NOON }) : this.#probe;
    const actor = new Actor("0", before, null);
    await this.#request(actor, (session) => session.set("cart", 1));
    if (start !== "anonymous") await this.#request(actor, (session) => session.login(USER));
    if (start === "rotated") await this.#request(actor, (session) => session.rotate());
    await this.#request(actor, (session) => {
      this.firstId = session.id;
    });
    this.#issued.clear();
    this.#issued.add(String(actor.cookie));
    return String(actor.cookie);
  }

  async #run(actor: Actor, list: readonly Act[]): Promise<void> {
    try {
      for (const each of list) {
        this.begun.push(each);
        await this.#request(actor, (session) => each.handle(session, this, actor));
        this.acknowledged.push(each);
        this.scheduler.trace.push(`${actor.name}: ${each.name} is answered`);
      }
    } catch (error) {
      this.scheduler.trace.push(`${actor.name}: ${error}`);
      if (!(error instanceof SessionError)) throw error;
    }
  }

  async #request(actor: Actor, handle: (session: Session<Data>) => unknown): Promise<void> {
    const session = await actor.sessions.open(requestOf(actor.cookie === null ? {} : { cookie: actor.cookie }));
    // One without a cookie, or whose session was revoked before it came, is nobody: what it begins has no past.
    const hasPast = actor.cookie === null ? actor.name === "0" : this.#issued.has(actor.cookie);
    const isNobody = !hasPast || (this.#isRevoking && session.isNew);
    await handle(session);
    for (const [name, value] of await actor.sessions.commit(session)) {
      if (name !== "Set-Cookie") continue;
      const cookie = value.slice(0, value.indexOf(";"));
      actor.cookie = cookie.endsWith("=") ? null : cookie;
      if (actor.cookie !== null && !isNobody) this.#issued.add(actor.cookie);
    }
  }

  /** Whether the session that all began with, or what became of it, was ended with an answer to say so. */
  get isEnded(): boolean {
    const isNobodys = this.#scenario.start === "anonymous";
    return this.acknowledged.some((each) => each.ends && !(isNobodys && each.ofUser));
  }

  /** Which of the cookies that were ever handed out are good now, as the ids of their sessions. */
  async live(): Promise<Map<string, Session<Data>>> {
    const live = new Map<string, Session<Data>>();
    for (const cookie of this.#issued) {
      const session = await this.#probe.open(requestOf({ cookie }));
      if (!session.isNew) live.set(session.id, session);
      await this.#noteState(cookie, session);
    }
    return live;
  }

  async #noteState(cookie: string, session: Session<Data>): Promise<void> {
    const before = this.#states.get(cookie);
    const now = session.isNew ? "ended" : "live";
    if (before === "ended" && now === "live" && !this.#isExcepting) this.fail("a session that was over is good again");
    if (!this.#isExcepting) this.#states.set(cookie, now);
  }

  get #isRevoking(): boolean {
    return this.#scenario.actors.flat().some(({ name }) => name.includes("revoke"));
  }

  /** While it is being said which session is to be spared, its heirs may not be told yet. */
  get #isExcepting(): boolean {
    const all = this.#scenario.actors.flat();
    const done = this.acknowledged.filter(({ excepts }) => excepts).length;
    return all.filter(({ excepts }) => excepts).length > done;
  }

  /** What holds after every step; looked at when it may have changed. */
  async #look(): Promise<void> {
    if (this.#lookedAt === this.#seen) return;
    const live = await this.live();
    if (live.size > 1) this.fail("two sessions are good at once");
    this.#lookedAt = this.#seen;
  }

  fail(what: string): never {
    const { place, start, actors } = this.#scenario;
    const title = actors.map((list) => list.map(({ name }) => name).join(", then ")).join(" | ");
    return expect.fail(`${what}\n${place}, ${start}: ${title}\n${this.scheduler.trace.join("\n")}\n`);
  }
}

/** What has to be true at the end of a scenario in which nothing failed. */
export async function checkEnd(world: World): Promise<void> {
  const live = [...(await world.live()).values()];
  const isSignedIn = world.acknowledged.some(({ signsIn }) => signsIn);
  if (world.isEnded) {
    if (!isSignedIn && live.some(isOld)) world.fail("a session lives on after its end was acknowledged");
  } else {
    const mayBeLost = isSignedIn && world.acknowledged.some(({ ofUser }) => ofUser);
    if (live.length !== 1 && !mayBeLost) world.fail("the session is lost although nobody ended it");
    if (!isSignedIn && !live.every(isOld)) world.fail("what the session held is lost");
  }
}

/** What has to be true when processes died and answers were lost: what was acknowledged holds. */
export async function checkTroubledEnd(world: World): Promise<void> {
  const live = [...(await world.live()).values()];
  const isSignedIn = world.begun.some(({ signsIn }) => signsIn);
  if (world.isEnded && !isSignedIn && live.some(isOld)) world.fail("a session lives on after its end was acknowledged");
}

function isOld(session: Session<Data>): boolean {
  return session.has("cart") || session.userId !== null;
}
