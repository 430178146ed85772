import type { SessionIdentity } from "../decision.ts";
import type { GuardedStore } from "../store/guarded-store.ts";
import { EntryTable } from "./entries.ts";

/** What is known of a session whose data is in its cookie: which cookie opens it, or how it ended. */
export interface SessionEntry extends SessionIdentity {
  /** When its user signed in; null while nobody is. */
  readonly authenticatedAt: number | null;
  /** Whether it has come to live in a row, and only that knows more. */
  readonly isMoved?: boolean;
}

/** For a session whose cookie nobody has seen. */
export function entryOfUnknown(signInId: number): SessionEntry {
  return { generation: 0, since: 0, signInId, userId: null, authenticatedAt: null, end: null, changedAt: 0 };
}

/** The entries of sealed sessions that were rotated, signed in to or ended; the others have none. */
export function sessionEntries(store: GuardedStore, now: () => number): EntryTable<SessionEntry> {
  return new EntryTable(store, now, { prefix: "entry:", isEntry: isSessionEntry });
}

function isSessionEntry(value: unknown): value is SessionEntry {
  const { generation, since, signInId, changedAt, authenticatedAt, end } = Object(value) as Record<string, unknown>;
  const areNumbers = [generation, since, signInId, changedAt, authenticatedAt ?? 0].every(Number.isFinite);
  return areNumbers && (end === null || end === "ended" || end === "revoked");
}
