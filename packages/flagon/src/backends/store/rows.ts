import type { SessionRecord } from "../../codec.ts";
import { isTimeout } from "../../errors.ts";
import { writeIdCookie } from "../../formats/id-cookie.ts";
import { isSameRow, sealRow } from "../../formats/row-data.ts";
import type { Cookie } from "../../http/cookie.ts";
import { deviceName } from "../../state/device-name.ts";
import type { SessionState } from "../../state/session-state.ts";
import type { StoredSession } from "../../store.ts";
import type { StoreContext } from "./context.ts";

/** Whether a row was written, and if not, the one that is in its place. */
export type Put = { readonly isWritten: true } | { readonly isWritten: false; readonly found: StoredSession | null };

const written: Put = { isWritten: true };

/** The row that comes after `before`, which is null for a session that has none yet. */
export function rowOf(
  state: SessionState | null,
  record: SessionRecord,
  before: StoredSession | null,
  { keys, now, reader }: StoreContext,
): StoredSession {
  return {
    id: record.id,
    version: (before?.version ?? 0) + 1,
    userId: record.userId,
    device: record.userId === null ? null : deviceFor(state, before),
    createdAt: record.createdAt ?? record.renewedAt,
    lastSeenAt: record.renewedAt,
    expiresAt: reader.expiresAt(record),
    data: sealRow(record, keys, now()),
  };
}

/** Writes the row in place of `before`. When that is no longer what is there: what is there instead. */
export async function putRow(row: StoredSession, before: StoredSession | null, { store }: StoreContext): Promise<Put> {
  let failure: unknown = null;
  if (before !== null) {
    if (await store.replace(row, before.version)) return written;
  } else {
    try {
      await store.create(row);
      return written;
    } catch (error) {
      if (isTimeout(error)) throw error;
      failure = error;
    }
  }
  // Refused because there is another row, or failed, or sent twice by a client that lost its connection: a look tells.
  const found = await store.read(row.id);
  if (found === null && failure !== null) throw failure;
  if (!isSameRow(found, row)) return { isWritten: false, found };
  // It is there, and yet the store did not say yes. It may have reason to (no replica has the row), so it is asked again.
  await store.replace({ ...row, version: row.version + 1 }, row.version);
  return written;
}

/** The Set-Cookie line for the session that the record is of. */
export function cookieLine(record: SessionRecord, cookie: Cookie, { keys, reader }: StoreContext): string {
  const maxAgeMs = record.permanent ? reader.expiresAt(record) - record.renewedAt : undefined;
  return cookie.serialize(writeIdCookie(record, cookie.name, keys), maxAgeMs);
}

/** Told at the login; a session that comes from an older format was never told. */
function deviceFor(state: SessionState | null, before: StoredSession | null): string | null {
  if (state === null || (!state.isLogin && before !== null)) return before?.device ?? null;
  const { device, request } = state;
  if (typeof device === "string") return device;
  const name = deviceName((header) => request.header(header));
  if (device === null) return name;
  const own: unknown = device(name);
  if (own === null || typeof own === "string") return own;
  throw new TypeError("session.login: device has to return text, or null");
}
