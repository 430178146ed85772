import type { Flash, SessionRecord } from "../codec.ts";
import { setOwn } from "./values.ts";

type Step = (value: unknown) => unknown;

/** The value's text in the session's format, another one whenever the value is another; throws for what it cannot carry. */
export type Print = (key: string, value: unknown) => string;

/**
 * A session as one request is making it: a copy to work on, and which of its keys are no longer what was loaded. A store
 * whose row has changed meanwhile has those keys laid over the newer row: see `resultOver`.
 */
export class Draft {
  readonly base: SessionRecord;
  /** The session as it stands now. */
  readonly record: SessionRecord;
  isCleared = false;
  /** For keys whose value still rests on what was loaded: the steps that made it, to be run again over newer data. */
  readonly steps: Map<string, readonly Step[]> = new Map();
  /** The text of each object as it was handed out: whoever holds one may change it without a word. */
  readonly handedOut: Map<string, string> = new Map();
  readonly #replaced: Set<string> = new Set();
  readonly #print: Print;

  constructor(base: SessionRecord, print: Print) {
    this.base = base;
    this.record = { ...base, data: { ...base.data } };
    this.#print = print;
  }

  get(key: string): unknown {
    const value = ownValue(this.record.data, key);
    if (typeof value === "object" && value !== null && !this.#replaced.has(key) && !this.handedOut.has(key)) {
      this.handedOut.set(key, this.#print(key, value));
    }
    return value;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.record.data, key);
  }

  keys(): string[] {
    return Object.keys(this.record.data);
  }

  set(key: string, value: unknown): void {
    // Throws now rather than at the end of the request, where nobody would see which line set it.
    this.#print(key, value);
    setOwn(this.record.data, key, value);
    this.#replaced.add(key);
    this.steps.delete(key);
  }

  /** Whether there was something to delete. */
  delete(key: string): boolean {
    if (!this.has(key)) return false;
    delete this.record.data[key];
    this.#replaced.add(key);
    this.steps.delete(key);
    return true;
  }

  clear(): void {
    this.isCleared = true;
    this.record.data = {};
    for (const kept of [this.steps, this.handedOut, this.#replaced]) kept.clear();
  }

  /** Applies `step` now; over newer data it is applied again, unless the value no longer rests on what was loaded. */
  update(key: string, step: Step): unknown {
    const steps = this.steps.get(key) ?? (this.isCleared || this.#isChanged(key) ? null : []);
    const value = step(this.get(key));
    this.set(key, value);
    if (steps !== null) this.steps.set(key, [...steps, step]);
    return value;
  }

  flash(flash: Flash): void {
    this.record.flashes = [...this.record.flashes, flash];
  }

  /** The flashes that wait, oldest first; with `take` they are gone afterwards. */
  flashes(category: string | undefined, take: boolean): Flash[] {
    const { flashes } = this.record;
    const isWanted = (flash: Flash): boolean => category === undefined || flash.category === category;
    if (take) this.record.flashes = flashes.filter((flash) => !isWanted(flash));
    return flashes.filter(isWanted);
  }

  /** Whether data or flashes are no longer what was loaded. To have been cleared is no change where there was nothing. */
  get isChanged(): boolean {
    const [now, before] = [this.record.flashes, this.base.flashes];
    return this.changedKeys().length > 0 || now.length !== before.length || now.some((flash, i) => flash !== before[i]);
  }

  /** Keys that were set, updated, deleted or changed inside. */
  changedKeys(): string[] {
    const touched = new Set([...this.#replaced, ...this.handedOut.keys()]);
    return [...touched].filter((key) => this.#isChanged(key) && (this.has(key) || Object.hasOwn(this.base.data, key)));
  }

  #isChanged(key: string): boolean {
    const text = this.handedOut.get(key);
    return this.#replaced.has(key) || (text !== undefined && this.#print(key, this.record.data[key]) !== text);
  }
}

export function ownValue(data: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(data, key) ? data[key] : undefined;
}
