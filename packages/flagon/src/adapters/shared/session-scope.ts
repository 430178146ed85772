import { AsyncLocalStorage } from "node:async_hooks";
import type { OpenRequest } from "../../codec.ts";
import type { Session } from "../../session.ts";

/** A session, for as long as the handler that it was opened for runs, and for all that this handler begins. */
export interface Scope<Data extends object, Request extends OpenRequest> {
  readonly sessions: object;
  readonly session: Session<Data>;
  /** What the session was opened with. */
  readonly request: Request;
  /** "over" from the handler's end on, "lost" when nothing of it was saved. */
  state: "open" | "over" | "lost";
}

interface Nested {
  readonly scope: Scope<object, OpenRequest>;
  readonly outer: Nested | undefined;
}

/** Finds the session that a caller has opened, where a framework hands no request through. */
export class SessionScopes<Request extends OpenRequest> {
  readonly #running = new AsyncLocalStorage<Nested | undefined>();
  readonly #turns = new WeakMap<object, Promise<unknown>>();

  /** The innermost scope of these sessions around the caller, ended or not. Others' may be in between. */
  find<Data extends object>(sessions: object): Scope<Data, Request> | undefined {
    let nested = this.#running.getStore();
    while (nested !== undefined && nested.scope.sessions !== sessions) nested = nested.outer;
    return nested?.scope as Scope<Data, Request> | undefined;
  }

  /** Runs the handler, and what it begins, in the scope; the scope is over when the handler is through. */
  async run<Data extends object, Result>(
    scope: Scope<Data, Request>,
    handler: () => Result | Promise<Result>,
  ): Promise<Result> {
    const nested: Nested = { scope: scope as unknown as Nested["scope"], outer: this.#running.getStore() };
    try {
      return await this.#running.run(nested, handler);
    } finally {
      scope.state = "over";
    }
  }

  /**
   * Runs tasks one after another that open sessions beside each other, in the same scope or, outside any, in the same
   * `request`: the later one opens what the earlier one has saved. Those in different scopes never wait for each other, and
   * nobody waits for a task around it.
   */
  inTurn<Result>(request: object, task: () => Promise<Result>): Promise<Result> {
    const around = this.#running.getStore() ?? request;
    const turn = (this.#turns.get(around) ?? Promise.resolve()).then(task, task);
    this.#turns.set(around, turn);
    return turn;
  }
}
