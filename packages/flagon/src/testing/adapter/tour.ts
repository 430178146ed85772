import { same } from "../check.ts";
import { KeptConnection, type RawReply } from "./raw-http.ts";
import type { AppVariant, RouteRecorder } from "./routes.ts";
import { judge, judgeMine, type Step, TourVisitor } from "./visitor.ts";
import type { Witness } from "./witness.ts";

/** What a tour goes through, and who looks at it. */
export interface TourContext {
  readonly origin: string;
  readonly recorder: RouteRecorder;
  readonly witness: Witness;
  readonly variant: AppVariant;
  readonly connections: ConnectionPool;
}

/** Two visitors who are signed in, and strangers who come by, at work in turns through an app's routes. */
export class Tour {
  readonly ann: TourVisitor;
  readonly bob: TourVisitor;
  /** What a session says of itself, held against whose it is. */
  readonly mine: Step;
  readonly #context: TourContext;
  readonly #onOneConnection: boolean;
  #turns = 0;

  /** `onOneConnection`: as a proxy in front of the server sends everybody's requests. Else each visitor has their own. */
  constructor(context: TourContext, onOneConnection: boolean) {
    const { recorder, witness } = context;
    const [ann, bob] = recorder.members;
    this.ann = new TourVisitor(ann);
    this.bob = new TourVisitor(bob);
    this.#context = context;
    this.#onOneConnection = onOneConnection;
    this.mine = { path: "/mine", after: (visitor, { body }) => judgeMine(witness, visitor, body) };
    for (const visitor of [this.ann, this.bob]) {
      for (const [what, text] of Object.entries(visitor.member ?? {})) witness.belongs(visitor, what, text);
    }
  }

  /** Signs both in, and looks at what their sessions say of them. */
  async begin(): Promise<void> {
    for (const [index, visitor] of [this.ann, this.bob].entries()) {
      await this.ask(visitor, { path: `/sign-in/${index}`, counts: true, body: ({ counted }) => `counted ${counted}` });
      await this.ask(visitor, this.mine);
    }
  }

  /** Each step as HEAD and as GET for both and for a stranger, who is another one each time. Everybody is first in turns. */
  async go(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      for (const method of step.method === "POST" ? ["POST"] : ["HEAD", "GET"]) {
        const all = [this.ann, this.bob, new TourVisitor(null)];
        const first = this.#turns++ % all.length;
        for (const visitor of [...all.slice(first), ...all.slice(0, first)]) await this.ask(visitor, step, method);
      }
    }
  }

  /** Each step as GET, three people's requests on their way at a time. */
  async goPipelined(steps: readonly Step[]): Promise<void> {
    const connection = this.#context.connections.of(null);
    for (const [index, step] of steps.entries()) {
      const other = steps[(index + 1) % steps.length] ?? step;
      const asked: [TourVisitor, Step][] = [
        [this.ann, step],
        [this.bob, other],
        [new TourVisitor(null), step],
      ];
      const replies = await connection.pipeline(asked.map(([visitor, each]) => visitor.request(each)));
      for (const [at, [visitor, each]] of asked.entries()) this.judge(visitor, each, replies[at] as RawReply);
    }
  }

  async ask(visitor: TourVisitor, step: Step, method?: string): Promise<void> {
    this.judge(visitor, step, await this.send(visitor, step, method), method);
  }

  send(visitor: TourVisitor, step: Step, method?: string): Promise<RawReply> {
    const whose = this.#onOneConnection || visitor.member === null ? null : visitor;
    return this.#context.connections.of(whose).exchange(visitor.request(step, method));
  }

  judge(visitor: TourVisitor, step: Step, reply: RawReply, method?: string): void {
    judge(this.#context.witness, this.#context.variant, visitor, step, reply, method);
  }

  /** What each of them has in the end. Signed out, a visitor is a stranger. */
  async end(): Promise<void> {
    for (const visitor of [this.ann, this.bob, new TourVisitor(null)]) await this.ask(visitor, this.mine);
    await this.ask(this.ann, { path: "/sign-out", body: () => "signed out" });
    same(this.ann.cookie, null, `the cookie that ${this.ann.name} has after the sign-out`);
    await this.ask(this.bob, this.mine);
    await this.ask(new TourVisitor(null), this.mine);
    same(this.#context.recorder.traces, [], "what a plug-in wrote on one session and another one shows");
  }
}

/** Connections that stay open between requests: one for each whose, and one for everybody else. */
export class ConnectionPool {
  readonly #origin: string;
  readonly #connections = new Map<object | null, KeptConnection>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  of(whose: object | null): KeptConnection {
    const connection = this.#connections.get(whose) ?? new KeptConnection(this.#origin);
    this.#connections.set(whose, connection);
    return connection;
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }
}
