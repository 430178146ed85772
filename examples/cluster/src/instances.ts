import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { FromInstance, InstanceState, State, ToInstance, Wish } from "./state.ts";

/** What each instance is told at its start. */
export interface InstanceSettings {
  readonly secret: string;
  readonly redisPorts: readonly number[];
}

/** The instances of the app, each a process of its own. They end with this one, however it ends. */
export class Instances {
  readonly #settings: InstanceSettings;
  readonly #onWish: (wish: Wish) => Promise<void>;
  readonly #running = new Map<string, { readonly child: ChildProcess; readonly port: number }>();

  constructor(settings: InstanceSettings, onWish: (wish: Wish) => Promise<void>) {
    this.#settings = settings;
    this.#onWish = onWish;
  }

  get states(): InstanceState[] {
    return names.map((name) => ({ name, isUp: this.#running.has(name) }));
  }

  /**
   * Where all of them listen, or did: that one is lost is for the balancer to find out, as it has to where nobody tells it.
   */
  readonly ports = new Map<string, number>();

  async startMissing(): Promise<void> {
    await Promise.all(names.filter((name) => !this.#running.has(name)).map((name) => this.#start(name)));
  }

  /** Kill -9. The last one stays: somebody has to bring the others back. */
  async lose(name: string): Promise<void> {
    const instance = this.#running.get(name);
    if (instance === undefined || this.#running.size === 1) return;
    const ended = once(instance.child, "exit");
    instance.child.kill("SIGKILL");
    await ended;
  }

  tell(state: State): void {
    for (const { child } of this.#running.values()) send(child, { state });
  }

  async stop(): Promise<void> {
    const children = [...this.#running.values()].map(({ child }) => child);
    const ended = children.map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ended);
  }

  async #start(name: string): Promise<void> {
    const child = fork(join(import.meta.dirname, "instance.ts"), [], {
      execArgv: ["--conditions=flagon-source"],
      env: { ...process.env, INSTANCE: name, SETTINGS: JSON.stringify(this.#settings) },
    });
    const port = await new Promise<number>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`instance ${name} did not start (exit code ${code})`)));
      child.on("message", (message: FromInstance) => {
        if ("listening" in message) resolve(message.listening);
        else void this.#answer(child, message.number, message.wish);
      });
    });
    child.once("exit", () => this.#running.delete(name));
    this.#running.set(name, { child, port });
    this.ports.set(name, port);
  }

  async #answer(child: ChildProcess, number: number, wish: Wish): Promise<void> {
    await this.#onWish(wish).catch((error: unknown) => console.error(error));
    send(child, { done: number });
  }
}

const names = ["a", "b", "c"];

/** One that is lost meanwhile hears nothing. */
function send(child: ChildProcess, message: ToInstance): void {
  if (child.connected) child.send(message, () => {});
}
