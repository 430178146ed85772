import type { Flash, SessionRecord } from "../codec.ts";
import { setOwn } from "../formats/values.ts";

type Step = (value: unknown) => unknown;

/** The value's text in the session's format, another one whenever the value is another; throws for what it cannot carry. */
export type ValueText = (key: string, value: unknown) => string;

/**
 * A session as one request is making it: a copy to work on, and which of its keys are no longer what was loaded. A store
 * whose row has changed meanwhile has those keys laid over the newer row: see `rebase`.
 */
export class TrackedData {
  base: SessionRecord;
  /** The session as it stands now. */
  record: SessionRecord;
  isCleared = false;
  /**
   * The keys that were set, updated or deleted. For one whose value rests on what was loaded, the steps that made it, to
   * be run again over newer data; else null.
   */
  readonly steps: Map<string, readonly Step[] | null> = new Map();
  /** The text of each object as it was handed out: whoever holds one may change it without a word. */
  readonly snapshots: Map<string, string> = new Map();
  readonly #print: ValueText;

  constructor(base: SessionRecord, print: ValueText) {
    this.base = base;
    this.record = { ...base, data: { ...base.data } };
    this.#print = print;
  }

  /** Begins another session, of which nothing has been changed yet. */
  restart(base: SessionRecord): void {
    this.clear();
    this.isCleared = false;
    this.base = base;
    this.record = { ...base, data: { ...base.data } };
  }

  get(key: string): unknown {
    const value = this.has(key) ? this.record.data[key] : undefined;
    if (typeof value === "object" && value !== null && !this.steps.has(key) && !this.snapshots.has(key)) {
      this.snapshots.set(key, this.#print(key, value));
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
    this.steps.set(key, null);
  }

  /** Whether there was something to delete. */
  delete(key: string): boolean {
    if (!this.has(key)) return false;
    delete this.record.data[key];
    this.steps.set(key, null);
    return true;
  }

  clear(): void {
    this.isCleared = true;
    this.record.data = {};
    this.steps.clear();
    this.snapshots.clear();
  }

  /** Applies `step` now; over newer data it is applied again, unless the value no longer rests on what was loaded. */
  update(key: string, step: Step): unknown {
    const steps = this.#isChanged(key) ? this.steps.get(key) : [];
    const value = step(this.get(key));
    this.set(key, value);
    if (steps) this.steps.set(key, [...steps, step]);
    return value;
  }

  flash(flash: Flash): void {
    this.record.flashes = [...this.record.flashes, flash];
  }

  /** The flashes that wait, oldest first; with `take` they are gone afterwards. */
  flashes(category: string | undefined, take: boolean): Flash[] {
    const { flashes } = this.record;
    const isWanted = (flash: Flash): boolean => category === undefined || flash.category === category;
    const wanted = flashes.filter(isWanted);
    if (take && wanted.length > 0) this.record.flashes = flashes.filter((flash) => !isWanted(flash));
    return wanted;
  }

  /** Whether data or flashes are no longer what was loaded. To have been cleared is no change where there was nothing. */
  get isDataChanged(): boolean {
    const { flashes } = this.record;
    const before = this.base.flashes;
    return this.changedKeys().length > 0 || (flashes !== before && flashes.length + before.length > 0);
  }

  /** Keys that were set, updated, deleted or changed inside. */
  changedKeys(): string[] {
    const touched = new Set([...this.steps.keys(), ...this.snapshots.keys()]);
    return [...touched].filter((key) => this.#isChanged(key) && (this.has(key) || Object.hasOwn(this.base.data, key)));
  }

  #isChanged(key: string): boolean {
    const text = this.snapshots.get(key);
    return this.steps.has(key) || (text !== undefined && this.#print(key, this.record.data[key]) !== text);
  }
}
