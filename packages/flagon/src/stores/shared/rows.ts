import { SessionError, storeCorrupt } from "../../errors.ts";
import type { StoredSession } from "../../store.ts";
import { fromText, toText } from "./text.ts";

/** A row as a driver gives it: nothing about it is known, whatever the table's schema says. */
export interface Row {
  readonly id: unknown;
  readonly version: unknown;
  readonly userId: unknown;
  readonly device: unknown;
  readonly createdAt: unknown;
  readonly lastSeenAt: unknown;
  readonly expiresAt: unknown;
  readonly data: unknown;
}

/** Drivers say undefined or null for no row at all. */
export function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null;
}

/** Throws a {@link SessionError} `store_corrupt` for a row that holds anything but a session. */
export function toSession(row: Row): StoredSession {
  return {
    id: text(row.id, "id"),
    version: integer(row.version, "version"),
    userId: row.userId === null ? null : text(row.userId, "user id"),
    device: row.device === null ? null : text(row.device, "device"),
    createdAt: integer(row.createdAt, "creation time"),
    lastSeenAt: integer(row.lastSeenAt, "last-seen time"),
    expiresAt: integer(row.expiresAt, "expiry time"),
    data: row.data === null ? null : bytes(row.data),
  };
}

/** A session's columns but for its id, in the order of both SQL stores: what {@link toSession} reads back. */
export function toColumns(session: StoredSession): (string | number | null | Uint8Array)[] {
  return [
    session.version,
    session.userId === null ? null : toText(session.userId),
    session.device === null ? null : toText(session.device),
    session.createdAt,
    session.lastSeenAt,
    session.expiresAt,
    session.data,
  ];
}

/** Last seen first; the newer of two that were seen at once; then in an order that stays. */
export function lastSeenFirst(a: StoredSession, b: StoredSession): number {
  return b.lastSeenAt - a.lastSeenAt || b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1);
}

/** What an engine found, in whatever order, as `readMany` has it: a session or null for each id. */
export function inOrderOf(ids: readonly string[], found: readonly StoredSession[]): (StoredSession | null)[] {
  const byId = new Map(found.map((session) => [session.id, session]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** What `create` rejects with, by every store here: a caller that meets it can read the row that got there first. */
export function taken(): SessionError {
  return new SessionError("session_conflict", "a live session has this id already");
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string") throw storeCorrupt(`the session store holds a row whose ${name} is no text`);
  try {
    return fromText(value);
  } catch (cause) {
    throw storeCorrupt(`the session store holds a row whose ${name} is no text that Flagon wrote`, { cause });
  }
}

/** Drivers give a 64-bit integer as a number, a bigint or text, as their owner set them. */
function integer(value: unknown, name: string): number {
  const number =
    typeof value === "string" && value !== "" ? Number(value) : typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number))
    throw storeCorrupt(`the session store holds a row whose ${name} is no integer`);
  return number;
}

/** A plain view of what may be a `Buffer` (most drivers) or an `ArrayBuffer` (libsql). */
function bytes(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!(value instanceof Uint8Array)) throw storeCorrupt("the session store holds a row whose data is no bytes");
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
