import type { Store, StoredSession } from "../../store.ts";
import { holds, same } from "../check.ts";

/** What a store under test is made with. */
export interface StoreConditions {
  /** The suite's clock in milliseconds. Expiry at the edge can be tested only if the store takes its time from here. */
  readonly now: () => number;
}

/** May be called once for each case; each call gives a store without rows, or one whose rows nobody else uses meanwhile. */
export type MakeStore = (conditions: StoreConditions) => Store | Promise<Store>;

/** What the suite may know of an engine, to ask more of it. */
export interface StoreConformanceOptions {
  /** The engine removes expired rows by itself, and `deleteExpired` resolves 0. */
  readonly expiresByItself?: boolean;
  /**
   * A second store on the rows of the first, as another process has it: another connection, nothing shared in memory.
   * With it, whatever runs in parallel runs through both.
   */
  readonly makePeer?: (store: Store, conditions: StoreConditions) => Store | Promise<Store>;
  /** A store whose engine does not answer: a closed connection, a port where nobody listens. Each method has to reject. */
  readonly makeBroken?: (conditions: StoreConditions) => Store | Promise<Store>;
  /** Called with every store that was made, when its case is over. */
  readonly close?: (store: Store) => void | Promise<void>;
}

/** A case before it has a store. */
export interface StoreCase {
  readonly name: string;
  readonly test: (bench: StoreFixture) => Promise<void>;
}

/** What one case works with: its stores, its clock, and sessions to put there. */
export class StoreFixture {
  readonly options: StoreConformanceOptions;
  readonly #makeStore: MakeStore;
  readonly #made: Store[] = [];
  readonly #conditions: StoreConditions = { now: () => this.time };
  /** The moment at which every case begins: an odd millisecond past 2^40, so that rounding and 32 bits show. */
  time = 1_790_000_000_123;
  #sessions = 0;
  readonly #prefix: string = Math.random().toString(36).slice(2, 12);

  constructor(makeStore: MakeStore, options: StoreConformanceOptions) {
    this.#makeStore = makeStore;
    this.options = options;
  }

  store(): Promise<Store> {
    return this.#keep(this.#makeStore(this.#conditions));
  }

  /** The store, and what another process has of it: the same one where the engine allows no second. */
  async pair(): Promise<[Store, Store]> {
    const store = await this.store();
    if (this.options.makePeer === undefined) return [store, store];
    return [store, await this.#keep(this.options.makePeer(store, this.#conditions))];
  }

  async broken(): Promise<Store> {
    if (this.options.makeBroken === undefined) throw new Error("no makeBroken was given");
    return this.#keep(this.options.makeBroken(this.#conditions));
  }

  /** A name that no other session of this or another run has. */
  name(stem = "s"): string {
    return `${stem}-${this.#prefix}-${++this.#sessions}`;
  }

  /** A live session that nobody has signed in to, with `parts` in place of its own. */
  session(parts: Partial<StoredSession> = {}): StoredSession {
    const id = parts.id ?? this.name();
    return {
      id,
      version: 1,
      userId: null,
      device: null,
      createdAt: this.time - 5_001,
      lastSeenAt: this.time - 1_001,
      expiresAt: this.time + 600_001,
      data: bytesOf(id),
      ...parts,
    };
  }

  async close(): Promise<void> {
    for (const store of this.#made) await this.options.close?.(store);
  }

  async #keep(made: Store | Promise<Store>): Promise<Store> {
    const store = await made;
    this.#made.push(store);
    return store;
  }
}

/** Some bytes that begin with a text: with zeros, line ends and what is no UTF-8, since sealed data has them all. */
export function bytesOf(text: string): Uint8Array {
  return new Uint8Array([...new TextEncoder().encode(text), 0, 13, 10, 0xff, 0xfe, 0xc0, 0x80, 0]);
}

/** The eight fields and nothing that a store may have beside them. */
export function fields(session: StoredSession): unknown[] {
  const { id, version, userId, device, createdAt, lastSeenAt, expiresAt, data } = session;
  return [id, version, userId, device, createdAt, lastSeenAt, expiresAt, data];
}

export async function isStored(store: Store, session: StoredSession, when: string): Promise<void> {
  const found = await store.read(session.id);
  holds(found !== null, `${when}: the session is not there`);
  holds(found.data === null || found.data instanceof Uint8Array, `${when}: data is no Uint8Array`);
  same(fields(found), fields(session), when);
}

/** Gone is more than unread: neither replace nor touch brings it back. */
export async function isGone(store: Store, session: StoredSession, when: string): Promise<void> {
  same(await store.read(session.id), null, `${when}: read`);
  for (const version of [session.version, session.version + 1]) {
    same(
      await store.replace({ ...session, version: version + 1 }, version),
      false,
      `${when}: replace of version ${version}`,
    );
  }
  await store.touch(session.id, { expiresAt: session.expiresAt + 86_400_000, lastSeenAt: session.expiresAt });
  same(await store.read(session.id), null, `${when}: read after replace and touch`);
}

/** Holds what `readMany` gives against `read` of each, field by field. A store may do without it. */
export async function isReadAsEach(store: Store, ids: readonly string[], when: string): Promise<void> {
  if (store.readMany === undefined) return;
  const each = await Promise.all(ids.map((id) => store.read(id)));
  const many = await store.readMany(ids);
  same(Array.isArray(many), true, `${when}: whether readMany gives a list`);
  const found = many.map((session) => session && fields(session));
  same(
    found,
    each.map((session) => session && fields(session)),
    when,
  );
}

export async function listed(store: Store, userId: string): Promise<string[]> {
  return (await store.list(userId)).map((session) => session.id);
}

export function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
