import { AsyncLocalStorage } from "node:async_hooks";
import { type Session, SessionError, type Sessions, type Store } from "flagon";
import { memoryStore } from "flagon/memory";
import { expect } from "vitest";
import { type Data, MINUTE, NOON, requestOf } from "../browser.ts";
import { type Act, USER } from "./acts.ts";
import { Checks } from "./checks.ts";
import { cookieIn, type NamedByCookie, namedBy } from "./cookie-names.ts";
import type { Order } from "./every-order.ts";
import { forgetPauses, pass, passing } from "./pauses.ts";
import { newProcess, type Place } from "./processes.ts";
import { type Fate, Scheduler, settled } from "./scheduler.ts";

export interface Scenario {
  readonly place: Place;
  /** Who is the visitor before: nobody known, signed in, or signed in and rotated since. */
  readonly start: "anonymous" | "signed in" | "rotated";
  /**
   * What runs in parallel, one request after another in each list, which has a process of its own, but for sealed cookies
   * without a store, and a copy of one browser's cookie.
   */
  readonly actors: readonly (readonly Act[])[];
  /** So many browsers in place of the copies, each with a session of its own; the lists are their tabs, by turns. */
  readonly browsers?: number;
  /** So many processes serve all lists, by turns. */
  readonly processes?: number;
}

/** From then on a late request is none. */
const LONG_MS = 30_000;

/** What may go wrong on the way. */
export interface Trouble {
  /** What becomes of the next command. */
  fate(): Fate | "dies";
  /** Whether the browser never gets the answer that was just sent. */
  isAnswerLost(): boolean;
  /** How many milliseconds go by before a request is sent. */
  pause(): number;
}

export const noTrouble: Trouble = { fate: () => "answered", isAnswerLost: () => false, pause: () => 0 };

/** One request, and what became of it. */
export interface Asked {
  readonly act: Act;
  readonly actor: string;
  /** Its cookie, and what that names; null for one without. */
  readonly sent: string | null;
  readonly came: NamedByCookie | null;
  /** From which beginning its session comes. */
  readonly lineage: number;
  /** The id of the session that its browser began with. */
  readonly firstId: string;
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
  /** Whether its answer never reaches the browser. */
  isLost: boolean;
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

/** A session that was there before, and the cookie for it. */
export interface Beginning {
  readonly cookie: string;
  readonly id: string;
}

interface Jar {
  readonly firstId: string;
  cookie: string | null;
}

interface Actor {
  readonly name: string;
  readonly process: number;
  readonly sessions: Sessions<Data>;
  readonly jar: Jar;
}

/** Visitors, a store, and all that happens to them in one order of things. */
export class World {
  readonly scenario: Scenario;
  readonly scheduler: Scheduler = new Scheduler();
  readonly issued: Map<string, Issued> = new Map();
  readonly asked: Asked[] = [];
  readonly beginnings: Beginning[] = [];
  readonly #actorNow: AsyncLocalStorage<string> = new AsyncLocalStorage();
  readonly #raw: Store;
  readonly #probe: Sessions<Data>;
  readonly #checks: Checks = new Checks(this);
  /** Whether a late request may have come too late to be taken for one. */
  hasBeenLong = false;
  #trouble: Trouble = noTrouble;
  #jars: readonly Jar[] = [];
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

  #newProcess(store: Store, place: Place = this.scenario.place): Sessions<Data> {
    return newProcess(place, store, () => this.#time);
  }

  /** Plays the scenario in this order, and resolves whether to its end. */
  async play(order: Order, trouble: Trouble = noTrouble): Promise<boolean> {
    forgetPauses();
    this.#trouble = trouble;
    for (let n = 0; n < (this.scenario.browsers ?? 1); n++) await this.#begin(n);
    // A tenth of the idle time: whoever only reads renews the session.
    this.#time += 4 * MINUTE;
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
      const fate = command.isTurn || command.actor.startsWith("late") ? "answered" : trouble.fate();
      if (fate === "dies") await this.#kill(command.actor, actors);
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

  /** Whoever it serves dies with a process. */
  async #kill(name: string, actors: readonly Actor[]): Promise<void> {
    const dying = actors.find((actor) => actor.name === name)?.process;
    for (const actor of actors) if (actor.process === dying) await this.scheduler.kill(actor.name);
  }

  async #begin(lineage: number): Promise<void> {
    const { place, start } = this.scenario;
    const sessions = place === "moving" ? this.#newProcess(this.#raw, "cookie") : this.#probe;
    let cookie: string | null = null;
    let id = "";
    const ask = async (handle: (session: Session<Data>) => unknown): Promise<void> => {
      const session = await sessions.open(requestOf(cookie === null ? {} : { cookie }));
      handle(session);
      id = session.id;
      cookie = setBy(await sessions.commit(session)) ?? cookie;
    };
    await ask((session) => session.set("cart", 1));
    if (start !== "anonymous") await ask((session) => session.login(USER));
    if (start === "rotated") await ask((session) => session.rotate());
    const beginning = { cookie: String(cookie), id };
    this.beginnings.push(beginning);
    this.issued.set(beginning.cookie, { named: namedBy(beginning.cookie), lineage, by: null });
    this.#lineages = lineage;
  }

  async #actors(): Promise<Actor[]> {
    const { place, actors, browsers } = this.scenario;
    const count = this.scenario.processes ?? actors.length;
    const processes: Sessions<Data>[] = [];
    for (let n = 0; n < Math.min(count, actors.length); n++) {
      const store = this.scheduler.storeOf(() => this.#actorNow.getStore() ?? "", this.#raw);
      const sessions = place === "cookie" ? this.#probe : this.#newProcess(store);
      // What is fetched at the first use is there from now on.
      await sessions.open(requestOf());
      processes.push(sessions);
    }
    const newJar = ({ id, cookie }: Beginning): Jar => ({ firstId: id, cookie });
    const jars = browsers === undefined ? actors.map(() => newJar(this.#firstBeginning)) : this.beginnings.map(newJar);
    this.#jars = jars;
    return actors.map((_, index) => ({
      name: String.fromCharCode(65 + index),
      process: index % count,
      sessions: processes[index % count] as Sessions<Data>,
      jar: jars[index % jars.length] as Jar,
    }));
  }

  get #firstBeginning(): Beginning {
    return this.beginnings[0] as Beginning;
  }

  /** The cookie of the first browser, before all else. */
  get first(): string {
    return this.#firstBeginning.cookie;
  }

  async #run(actor: Actor, list: readonly Act[]): Promise<void> {
    await this.#actorNow.run(actor.name, async () => {
      try {
        for (const act of list) if (!(await this.#request(actor, act))) return;
      } catch (error) {
        if (!this.scheduler.isDead(actor.name)) throw error;
      }
    });
  }

  /** Resolves whether it was answered without an error. */
  async #request(actor: Actor, act: Act): Promise<boolean> {
    const { name, jar } = actor;
    this.#letPass(this.#trouble.pause());
    const isTurn = this.scenario.place === "cookie";
    const isRevoking = this.scenario.actors.flat().some(({ ends }) => ends === "user");
    // Whether a sign-in came before or after somebody ended the user's sessions.
    if (act.signsIn !== undefined && isRevoking) await this.scheduler.turn(name, `${act.name} arrives`, "moments");
    if (isTurn) await this.scheduler.turn(name, `${act.name} opens`, null);
    const asked = this.#newAsked(actor, act);
    try {
      const session = await actor.sessions.open(requestOf(asked.sent === null ? {} : { cookie: asked.sent }));
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
    asked.isLost = this.#trouble.isAnswerLost();
    if (asked.isLost) this.scheduler.trace.push(`${name}: the answer is lost`);
    else if (asked.cookie !== undefined) jar.cookie = asked.cookie;
    if (asked.cookie) this.#issue(asked.cookie, asked);
    return asked.state === "answered";
  }

  #letPass(ms: number): void {
    this.#time += ms;
    this.hasBeenLong ||= ms >= LONG_MS;
    if (ms > 0) this.scheduler.trace.push(`${ms / 1_000} s go by`);
  }

  async #handle({ name, sessions }: Actor, asked: Asked, session: Session<Data>): Promise<void> {
    const beforeRevoking = async (): Promise<void> => {
      if (this.#hasSignIn) await this.scheduler.turn(name, "asks for the user's sessions to end", "moments");
      asked.revokedAt = this.#nextMoment();
    };
    const key = keyOf(asked);
    await asked.act.handle({ session, sessions, name: key, firstId: asked.firstId, beforeRevoking });
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

  #newAsked({ name, jar: { cookie, firstId } }: Actor, act: Act): Asked {
    const lineage = (cookie === null ? undefined : this.issued.get(cookie)?.lineage) ?? ++this.#lineages;
    const asked: Asked = {
      act,
      actor: name,
      sent: cookie,
      came: cookie === null ? null : namedBy(cookie),
      lineage,
      firstId,
      arrivedAt: this.#nextMoment(),
      revokedAt: null,
      openedId: "",
      isOpened: false,
      handledId: "",
      state: "under way",
      answeredAt: 0,
      isLost: false,
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

  /** Whatever has happened: every browser can sign in, and stays so. */
  async checkRecovery(): Promise<void> {
    for (const { cookie } of this.#jars) {
      if (!(await passing(this.#isSignedIn(cookie))))
        this.fail(`a browser with ${cookie === null ? "no" : "a"} cookie cannot sign in`);
    }
  }

  async #isSignedIn(before: string | null): Promise<boolean> {
    this.#nextMoment();
    const session = await this.#probe.open(requestOf(before === null ? {} : { cookie: before }));
    session.login(USER);
    try {
      const cookie = setBy(await this.#probe.commit(session));
      return cookie ? (await this.opened(cookie))?.userId === USER : false;
    } catch (error) {
      if (error instanceof SessionError && error.code === "session_conflict") return false;
      throw error;
    }
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
