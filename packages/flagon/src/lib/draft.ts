import type { Flash, SessionRecord } from "../codec.ts";
import { setOwn } from "./values.ts";

type Update = (value: unknown) => unknown;
type Operation =
  | { readonly kind: "set"; readonly value: unknown }
  | { readonly kind: "delete" }
  | { readonly kind: "update"; value: unknown; readonly steps: Update[] };

/** The value's text in the session's format, another one whenever the value is another; throws for what it cannot carry. */
export type Print = (key: string, value: unknown) => string;

/** Data and flashes: the part of a record that a draft can change. */
export type Contents = Pick<SessionRecord, "data" | "flashes">;

/**
 * What one request does to data and flashes, kept as operations over what was loaded. A store whose row has changed
 * meanwhile has the operations laid over the newer row: two requests that touch different keys both win.
 */
export class Draft {
  readonly #base: Contents;
  readonly #print: Print;
  readonly #operations: Map<string, Operation> = new Map();
  /** The text of each object as it was handed out: whoever holds one may change it without a word. */
  readonly #handedOut: Map<string, string> = new Map();
  #cleared = false;
  #addedFlashes: Flash[] = [];
  #takenFlashes: Flash[] = [];

  constructor(base: Contents, print: Print) {
    this.#base = base;
    this.#print = print;
  }

  get(key: string): unknown {
    const operation = this.#operations.get(key);
    if (operation !== undefined) return operation.kind === "delete" ? undefined : operation.value;
    if (!this.#inBase(key)) return undefined;
    const value = this.#base.data[key];
    if (typeof value === "object" && value !== null && !this.#handedOut.has(key)) {
      this.#handedOut.set(key, this.#print(key, value));
    }
    return value;
  }

  has(key: string): boolean {
    const operation = this.#operations.get(key);
    return operation === undefined ? this.#inBase(key) : operation.kind !== "delete";
  }

  keys(): string[] {
    const kept = this.#cleared ? [] : Object.keys(this.#base.data).filter((key) => this.has(key));
    const added = [...this.#operations.keys()].filter((key) => this.has(key) && !this.#inBase(key));
    return [...kept, ...added];
  }

  set(key: string, value: unknown): void {
    this.#requireCarried(key, value);
    this.#operations.set(key, { kind: "set", value });
  }

  /** Whether there was something to delete. */
  delete(key: string): boolean {
    if (!this.has(key)) return false;
    if (this.#inBase(key)) this.#operations.set(key, { kind: "delete" });
    else this.#operations.delete(key);
    return true;
  }

  clear(): void {
    this.#operations.clear();
    this.#handedOut.clear();
    this.#cleared = true;
  }

  /** Applies `step` now; over newer data it is applied again, unless the value no longer rests on what was loaded. */
  update(key: string, step: Update): unknown {
    const before = this.#operations.get(key);
    const isOnBase = before === undefined && !this.#cleared && !this.#isChangedInside(key);
    const value = step(this.get(key));
    this.#requireCarried(key, value);
    if (before?.kind === "update") {
      before.value = value;
      before.steps.push(step);
    } else if (isOnBase) {
      this.#operations.set(key, { kind: "update", value, steps: [step] });
    } else {
      this.#operations.set(key, { kind: "set", value });
    }
    return value;
  }

  flash(flash: Flash): void {
    this.#addedFlashes.push(flash);
  }

  /** The flashes that wait, oldest first; with `take` they are gone afterwards. */
  flashes(category: string | undefined, take: boolean): Flash[] {
    const wanted = (flash: Flash): boolean => category === undefined || flash.category === category;
    const fromBase = withoutEach(this.#base.flashes, this.#takenFlashes).filter(wanted);
    const fresh = this.#addedFlashes.filter(wanted);
    if (take) {
      this.#takenFlashes.push(...fromBase);
      this.#addedFlashes = this.#addedFlashes.filter((flash) => !wanted(flash));
    }
    return [...fromBase, ...fresh];
  }

  get isChanged(): boolean {
    return this.isFilled || this.#cleared || this.#takenFlashes.length > 0;
  }

  /** Whether anything was put in or changed: what makes a session of a visitor who has none. */
  get isFilled(): boolean {
    return this.changedKeys().length > 0 || this.#addedFlashes.length > 0;
  }

  /** Keys that were set, updated, deleted or changed inside. */
  changedKeys(): string[] {
    return [...this.#operations.keys(), ...this.#changedInside()];
  }

  /** The operations laid over `newer`, which is what was loaded or what another request has stored since. */
  layOver(newer: Contents): Contents {
    const data = this.#cleared ? {} : { ...newer.data };
    for (const key of this.#changedInside()) setOwn(data, key, this.#base.data[key]);
    for (const [key, operation] of this.#operations) {
      if (operation.kind === "delete") {
        delete data[key];
        continue;
      }
      if (operation.kind === "update" && newer.data !== this.#base.data) {
        operation.value = operation.steps.reduce((value, step) => step(value), ownValue(data, key));
      }
      setOwn(data, key, operation.value);
    }
    return { data, flashes: [...withoutEach(newer.flashes, this.#takenFlashes), ...this.#addedFlashes] };
  }

  /** Keys that this draft sets or deletes outright although `newer` has another value than the one loaded. */
  contested(newer: Contents): string[] {
    return this.changedKeys().filter((key) => {
      if (this.#operations.get(key)?.kind === "update") return false;
      const loaded = this.#handedOut.get(key) ?? this.#print(key, ownValue(this.#base.data, key));
      return loaded !== this.#print(key, ownValue(newer.data, key));
    });
  }

  /** Now rather than at the end of the request, where nobody would see which line set it. */
  #requireCarried(key: string, value: unknown): void {
    // Text too: a format may keep a key for itself.
    this.#print(key, value);
  }

  #inBase(key: string): boolean {
    return !this.#cleared && Object.hasOwn(this.#base.data, key);
  }

  /** Keys whose objects were handed out and are no longer what they were. */
  #changedInside(): string[] {
    return [...this.#handedOut.keys()].filter((key) => !this.#operations.has(key) && this.#isChangedInside(key));
  }

  #isChangedInside(key: string): boolean {
    const text = this.#handedOut.get(key);
    return text !== undefined && this.#print(key, this.#base.data[key]) !== text;
  }
}

function ownValue(data: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(data, key) ? data[key] : undefined;
}

/** `all` without one equal flash for each in `taken`. */
function withoutEach(all: readonly Flash[], taken: readonly Flash[]): Flash[] {
  const left = [...all];
  for (const { message, category } of taken) {
    const index = left.findIndex((flash) => flash.message === message && flash.category === category);
    if (index !== -1) left.splice(index, 1);
  }
  return left;
}
