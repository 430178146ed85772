import { SessionError, storeCorrupt } from "../../errors.ts";
import type { Store, StoredSession } from "../../store.ts";

/**
 * A store whose answers are waited for only so long, and whose failures have one shape: a `SessionError` with `status` 503
 * and `code` "store_unavailable", "store_timeout", "store_full" or "store_corrupt".
 */
export class GuardedStore {
  readonly #store: Store;
  readonly #timeoutMs: number;
  #hasWarned = false;

  constructor(store: Store, timeoutMs: number) {
    this.#store = store;
    this.#timeoutMs = timeoutMs;
  }

  /** A row under another id than the one asked for is refused: it would be somebody else's session. */
  async read(id: string): Promise<StoredSession | null> {
    const row = await this.#call(() => this.#store.read(id));
    if (row === null) return null;
    if (checked(row).id !== id) throw storeCorrupt("the session store answered with another session");
    return row;
  }

  create(session: StoredSession): Promise<void> {
    return this.#call(() => this.#store.create(session));
  }

  async replace(session: StoredSession, version: number): Promise<boolean> {
    const isReplaced = await this.#call(() => this.#store.replace(session, version));
    if (typeof isReplaced !== "boolean")
      throw storeCorrupt("the session store did not say whether a session was replaced");
    return isReplaced;
  }

  touch(id: string, clocks: { readonly expiresAt: number; readonly lastSeenAt: number }): Promise<void> {
    return this.#call(() => this.#store.touch(id, clocks));
  }

  delete(id: string): Promise<void> {
    return this.#call(() => this.#store.delete(id));
  }

  /** So is a row of another user: it would be shown to this one, who could end it. */
  async list(userId: string): Promise<StoredSession[]> {
    const rows = await this.#call(() => this.#store.list(userId));
    if (!Array.isArray(rows)) throw storeCorrupt("the session store answered with something that is no list");
    for (const row of rows) {
      if (checked(row).userId !== userId) throw storeCorrupt("the session store answered with another user's session");
    }
    return rows;
  }

  /** Null where the engine's clock is this machine's. */
  async now(): Promise<number | null> {
    const { now } = this.#store;
    return now === undefined ? null : this.#call(() => now.call(this.#store));
  }

  /** Rejects with a `TypeError` where the engine cannot tell. */
  async count(): Promise<number> {
    const { count } = this.#store;
    if (count === undefined) throw new TypeError("this store cannot count its sessions: ask the engine itself");
    return this.#call(() => count.call(this.#store));
  }

  /** Without a time limit: a prune may take as long as there are rows. */
  async deleteExpired(now: number): Promise<number> {
    try {
      return await this.#store.deleteExpired(now);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #call<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new SessionError("store_timeout", `the session store did not answer within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        finish();
      };
      // A store of the app's own may throw where it should reject.
      new Promise<Answer>((answer) => answer(ask())).then(
        (answer) => settle(() => resolve(answer)),
        (cause: unknown) => settle(() => reject(this.#failure(cause))),
      );
    });
  }

  #failure(cause: unknown): SessionError {
    if (cause instanceof SessionError) return cause;
    // A developer's mistake, such as a table that was never set up. Not in the message: some frameworks show that to clients.
    if (cause instanceof TypeError && !this.#hasWarned) {
      this.#hasWarned = true;
      const options = { type: "FlagonWarning", code: "FLAGON_STORE" };
      globalThis.process?.emitWarning?.(`the session store failed: ${cause.message}`, options);
    }
    return new SessionError("store_unavailable", "the session store failed", { cause });
  }
}

function checked(row: StoredSession): StoredSession {
  const isGood =
    typeof row === "object" &&
    row !== null &&
    typeof row.id === "string" &&
    Number.isSafeInteger(row.version) &&
    [row.createdAt, row.lastSeenAt, row.expiresAt].every(Number.isFinite) &&
    isTextOrNull(row.userId) &&
    isTextOrNull(row.device) &&
    (row.data === null || row.data instanceof Uint8Array);
  if (!isGood) throw storeCorrupt("the session store answered with something that is no session");
  return row;
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === "string";
}
