/**
 * A session as an engine can see it: enough to find, list and expire it. What the visitor stored is in `data`, sealed:
 * an engine can neither read it nor move it to another row.
 */
export interface StoredSession {
  /** 22 characters of base64url in Flagon's own use, the same from the session's beginning until it is over; a store takes any string, and treats it as bytes, not as a path. */
  readonly id: string;
  /** Counts the writes to this row, from 1. */
  readonly version: number;
  /** Null while nobody is signed in. */
  readonly userId: string | null;
  /**
   * What the person's list of devices shows, as `login({ device })` gave it; null when nobody is signed in. In a tombstone:
   * how the session ended. A store keeps either as it is.
   */
  readonly device: string | null;
  /** Milliseconds since 1970, as are the other two. */
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** The row counts as gone from this moment on (`expiresAt <= now`), whether or not it was pruned. */
  readonly expiresAt: number;
  /**
   * Null in a tombstone: the id was ended and must not come back while the tombstone lasts. In Flagon's own use at most
   * 2,000,036 bytes.
   */
  readonly data: Uint8Array | null;
}

/**
 * Where sessions live on the server. Implement these seven methods, run `storeConformance` from `flagon/testing`
 * against them, and any engine keeps sessions.
 *
 * Three rules make lost updates and revived sessions impossible, and the engine has to keep them atomically, not in a
 * read followed by a write: `create` never overwrites, `replace` never creates, `touch` never creates.
 *
 * A method rejects only when the engine fails. An unknown, expired or odd id is no failure. Ids and user ids are any
 * string: empty, unicode, with `\r\n` or `../`, `__proto__`, 10 KB long.
 */
export interface Store {
  /** Resolves null for an unknown or expired id. A tombstone is returned as a session whose `data` is null. */
  read(id: string): Promise<StoredSession | null>;

  /**
   * Adds a row. Rejects with a `SessionError` `session_conflict` (any error whose `code` that is) when a live row has this
   * id already, be it a tombstone; a row that has expired may be overwritten.
   */
  create(session: StoredSession): Promise<void>;

  /**
   * Writes the row if, and only if, it is live and its version is still `version`; `session.version` is the new one.
   * Resolves false, with nothing written, when the row is gone, has expired or was changed since, and when it is a
   * tombstone that `session` with its data would undo. Compare and write in one atomic step of the engine.
   */
  replace(session: StoredSession, version: number): Promise<boolean>;

  /**
   * Moves a live row's clocks and nothing else: not the version, not the data. Does nothing for an unknown or expired
   * id, or a tombstone. One atomic step, so that a session ended meanwhile stays ended. Neither clock moves backwards.
   */
  touch(id: string, clocks: { readonly expiresAt: number; readonly lastSeenAt: number }): Promise<void>;

  /** Removes the row. Does nothing for an unknown id. */
  delete(id: string): Promise<void>;

  /** The user's live sessions, without tombstones, last seen first. Empty for an unknown user. */
  list(userId: string): Promise<StoredSession[]>;

  /**
   * As `read` of each, in the order of the ids, in one round trip where the engine has one. Without it, `read` is called
   * for each.
   */
  readMany?(ids: readonly string[]): Promise<(StoredSession | null)[]>;

  /** The engine's clock, in milliseconds since 1970: `Sessions.check` compares it. Left out where it is this machine's. */
  now?(): Promise<number>;

  /** How many live sessions there are, without tombstones. Left out where an engine could only tell by reading them all. */
  count?(): Promise<number>;

  /**
   * Removes rows that had expired at `now` (milliseconds), in batches that hold no request up; resolves how many.
   * An engine that expires rows by itself resolves 0.
   */
  deleteExpired(now: number): Promise<number>;
}
