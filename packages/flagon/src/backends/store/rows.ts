import type { SessionRecord } from "../../codec.ts";
import { writeIdCookie } from "../../formats/id-cookie.ts";
import { isSameRow, sealRow } from "../../formats/row-data.ts";
import type { Cookie } from "../../http/cookie.ts";
import { deviceName } from "../../state/device-name.ts";
import type { SessionState } from "../../state/session-state.ts";
import type { StoredSession } from "../../store.ts";
import type { StoreParts } from "./parts.ts";
import { type End, tombstoneOf } from "./tombstone.ts";

/** Whether a row was written, and if not, the one that is in its place. */
export type Put = { readonly isWritten: true } | { readonly isWritten: false; readonly found: StoredSession | null };

const written: Put = { isWritten: true };
/** Of a session that was to take another's place: what it followed is the last of its line again. */
const neverBegun: End = { how: "replaced", next: null, isHeir: false };

/** Makes rows and cookies of records, and writes rows. */
export class RowWriter {
  readonly #parts: StoreParts;
  readonly #jar: Cookie;

  constructor(parts: StoreParts, jar: Cookie) {
    this.#parts = parts;
    this.#jar = jar;
  }

  /** The row that comes after `before`, which is null for a session that has none yet. */
  rowOf(state: SessionState, record: SessionRecord, before: StoredSession | null): StoredSession {
    const { keys, now } = this.#parts;
    return {
      id: record.id,
      version: before?.id === record.id ? before.version + 1 : 1,
      userId: record.userId,
      device: record.userId === null ? null : deviceFor(state, before),
      createdAt: record.createdAt ?? record.renewedAt,
      lastSeenAt: record.renewedAt,
      expiresAt: this.expiresAt(record),
      data: sealRow(record, keys, now()),
    };
  }

  /**
   * Writes the row in place of `before`. When that is no longer what is there: what is there instead. A row that is new has
   * an id that no browser has heard of: when it can't be said to be stored, it is ended rather than left behind.
   */
  async put(row: StoredSession, before: StoredSession | null, isNew = false): Promise<Put> {
    const { store } = this.#parts;
    let failure: unknown = null;
    if (before !== null) {
      if (await store.replace(row, before.version)) return written;
    } else {
      try {
        await store.create(row);
        return written;
      } catch (error) {
        failure = error;
      }
    }
    // Refused because there is another row, or failed, or sent twice by a client that lost its connection: a look tells.
    const found = await store.read(row.id);
    if (found === null && failure !== null) throw failure;
    if (!isSameRow(found, row)) return { isWritten: false, found };
    // It is there, and yet the store did not say yes. It may have reason to (no replica has the row), so it is asked again.
    const again = { ...row, version: row.version + 1 };
    try {
      await store.replace(again, row.version);
      return written;
    } catch (error) {
      if (isNew) await Promise.allSettled([again, row].map((each) => this.#withdraw(each)));
      throw error;
    }
  }

  /** Ends a row that nobody was told of: it would stand in the user's list of devices for as long as it lives. */
  #withdraw(row: StoredSession): Promise<boolean> {
    const { store, now } = this.#parts;
    return store.replace(tombstoneOf(row, neverBegun, now()), row.version);
  }

  cookie(record: SessionRecord): string {
    const value = writeIdCookie(record.id, this.#jar.name, this.#parts.keys);
    return this.#jar.serialize(value, record.permanent ? this.expiresAt(record) - record.renewedAt : undefined);
  }

  erased(): string {
    return this.#jar.serializeDeletion();
  }

  expiresAt(record: SessionRecord): number {
    return this.#parts.opener.expiresAt(record);
  }
}

/** Told at the login; a session that moves in from a cookie was never told. */
function deviceFor(state: SessionState, before: StoredSession | null): string | null {
  if (!state.isLogin && before !== null) return before.device;
  return state.device ?? deviceName(state.request.header("user-agent"));
}
