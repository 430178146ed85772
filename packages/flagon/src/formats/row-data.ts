import { Buffer } from "node:buffer";
import type { SessionRecord } from "../codec.ts";
import { lengthPrefixed } from "../crypto/bytes.ts";
import type { KeyRing } from "../crypto/keys.ts";
import { KIND_ROW, keyIdOf, seal, unseal } from "../crypto/seal.ts";
import { SessionError, storeCorrupt } from "../errors.ts";
import type { StoredSession } from "../store.ts";
import { largestKeys } from "./largest-keys.ts";
import { decodeHead, decodeRecord, encodeRecord } from "./record-bytes.ts";

/**
 * How much a row may hold, in bytes before it is sealed. Each request of the session reads all of it, and one that a visitor
 * could fill without end would at last take longer to read than the store is waited for: then it could not even be ended.
 */
const ROW_BYTES_MAX = 2_000_000;
/** In the first byte, beside the flags that a cookie has as well: the session came in an older format. */
const FLAG_MOVED = 4;

/**
 * Seals what a row holds: bound to its id and user, so that no row's data opens in another row. Throws a `SessionError`
 * "session_too_large" that names the largest keys.
 */
export function sealRow(record: SessionRecord, ring: KeyRing, now: number): Uint8Array {
  const bytes = encodeRecord(record);
  if (bytes.length > ROW_BYTES_MAX) throw tooLarge(record, bytes.length);
  if (record.isMoved) bytes.writeUInt8(bytes.readUInt8() | FLAG_MOVED);
  return seal(KIND_ROW, bytes, contextOf(record.id, record.userId), ring, now);
}

/**
 * The record in a live row; null when its secret is no longer in use. Throws a `SessionError` "store_corrupt" for data that
 * was changed or belongs to another row: that is no visitor's doing.
 */
export function openRow(row: StoredSession, ring: KeyRing, now: number, longestMs: number): SessionRecord | null {
  const bytes = row.data === null ? null : Buffer.from(row.data.buffer, row.data.byteOffset, row.data.byteLength);
  if (bytes === null) return null;
  const opened = unseal(KIND_ROW, bytes, contextOf(row.id, row.userId), ring, now, longestMs);
  if (opened === "unknown_key" || opened === "hour") return null;
  if (typeof opened === "string" || opened.length === 0) throw storeCorrupt("a session's row does not open");
  const flags = opened.readUInt8();
  opened.writeUInt8(flags & ~FLAG_MOVED);
  const plaintext = decodeHead(opened);
  if (plaintext === null) throw storeCorrupt("a session's row does not open");
  const record = decodeRecord(plaintext);
  // The row's clock is the later one: `touch` moves it without sealing anew.
  record.renewedAt = Math.max(record.renewedAt, row.lastSeenAt);
  if (flags & FLAG_MOVED) record.isMoved = true;
  if (keyIdOf(bytes) !== ring.current().id) record.outdated = true;
  return record;
}

function tooLarge(record: SessionRecord, bytes: number): SessionError {
  return new SessionError(
    "session_too_large",
    `session is ${bytes} bytes and a store's row holds ${ROW_BYTES_MAX}; the largest keys are ${largestKeys(record)}; store less`,
  );
}

function contextOf(id: string, userId: string | null): Buffer {
  return Buffer.concat([Buffer.from(id, "base64url"), lengthPrefixed(userId ?? "")]);
}

/** Whether the row that was found is the very one that was written: what is sealed never comes out twice the same. */
export function isSameRow(found: StoredSession | null, written: StoredSession): boolean {
  if (found === null || found.version !== written.version || found.device !== written.device) return false;
  if (found.data === null || written.data === null) return found.data === written.data;
  return Buffer.compare(found.data, written.data) === 0;
}
