import type { SessionRecord } from "../codec.ts";
import type { StoredSession } from "../store.ts";
import type { CookieJar } from "./cookie.ts";
import { deviceOf } from "./device.ts";
import { writeIdCookie } from "./id-cookie.ts";
import { isSameRow, sealRow } from "./row.ts";
import type { StoreParts } from "./store-home.ts";
import type { Visit } from "./visit.ts";

/** Whether a row was written, and if not, the one that is in its place. */
export type Put = { readonly isWritten: true } | { readonly isWritten: false; readonly found: StoredSession | null };

const written: Put = { isWritten: true };

/** Makes rows and cookies of records, and writes rows. */
export class StoreRows {
  readonly #parts: StoreParts;
  readonly #jar: CookieJar;

  constructor(parts: StoreParts, jar: CookieJar) {
    this.#parts = parts;
    this.#jar = jar;
  }

  /** The row that comes after `before`, which is null for a session that has none yet. */
  rowOf(visit: Visit, record: SessionRecord, before: StoredSession | null): StoredSession {
    const { keys, now } = this.#parts;
    return {
      id: record.id,
      version: before?.id === record.id ? before.version + 1 : 1,
      userId: record.userId,
      device: record.userId === null ? null : deviceFor(visit, before),
      createdAt: record.createdAt ?? record.renewedAt,
      lastSeenAt: record.renewedAt,
      expiresAt: this.expiresAt(record),
      data: sealRow(record, keys, now()),
    };
  }

  /** Writes the row in place of `before`. When that is no longer what is there: what is there instead. */
  async put(row: StoredSession, before: StoredSession | null): Promise<Put> {
    const { store } = this.#parts;
    if (before !== null) {
      if (await store.replace(row, before.version)) return written;
    } else {
      try {
        await store.create(row);
        return written;
      } catch (error) {
        // Refused because there is a row, or failed: only a look tells.
        if ((await store.read(row.id)) === null) throw error;
      }
    }
    const found = await store.read(row.id);
    // A client that lost its connection may have sent it twice: then the row that is in the way is this one.
    return isSameRow(found, row) ? written : { isWritten: false, found };
  }

  cookie(record: SessionRecord): string {
    const value = writeIdCookie(record.id, this.#jar.name, this.#parts.keys);
    return this.#jar.write(value, record.permanent ? this.expiresAt(record) - record.renewedAt : undefined);
  }

  erased(): string {
    return this.#jar.erase();
  }

  expiresAt(record: SessionRecord): number {
    return this.#parts.opener.expiresAt(record);
  }
}

function deviceFor(visit: Visit, before: StoredSession | null): string | null {
  if (!visit.isLogin) return before?.device ?? null;
  return visit.device ?? deviceOf(visit.request.header("user-agent"));
}
