import type { SessionRecord } from "../codec.ts";
import { encodeBase64url, randomBytes } from "../crypto/bytes.ts";
import { rebase, recordApart } from "../state/rebase.ts";
import type { SessionState } from "../state/session-state.ts";
import { identityOf, intentOf } from "./backend.ts";
import { decide, decideBegin, type Known } from "./decision.ts";
import type { SessionEntry } from "./revocations/sessions.ts";
import { succeed } from "./succeed.ts";

/** What a request's changes come to where the session's data is in its cookie. */
export interface CookiePlan {
  /** The cookie to write; null deletes the browser's, undefined leaves it as it is. */
  readonly record?: SessionRecord | null;
  /** What is to be known from now on of the session that the request came with. */
  readonly entry?: SessionEntry;
  /** Whether `record` is another session than the one that the request came with. */
  readonly begins?: boolean;
  /** What the request wanted is dropped. */
  readonly isConflict?: boolean;
}

/**
 * `came` is the session of the request's cookie, opened or not; `entry` what is known of it now. Data is nowhere but in
 * cookies, so what another request has stored since can't be gone on from: such changes are dropped.
 */
export function planChange(
  state: SessionState,
  known: Known,
  came: SessionRecord,
  entry: SessionEntry | null,
): CookiePlan {
  const isBehind = entry !== null && entry.end === null && entry.generation < came.generation;
  const session = entry === null || isBehind ? { ...identityOf(came), authenticatedAt: came.authenticatedAt } : entry;
  const decision = decide(intentOf(state), known, session, { userId: state.record.userId });
  if (decision === "ignore") return state.isLogin ? { record: state.result(), begins: true } : {};
  if (decision === "end") {
    const record = state.result();
    const ended = { entry: { ...session, end: "ended", changedAt: state.rules.now() } as const };
    return { record, begins: record !== null, ...(session.end === null && ended) };
  }
  if (decision === "begin") return { record: recordApart(state), begins: true };
  const made = state.result();
  if (decision === "drop" || decision === "merge" || made === null) return { isConflict: true };
  const result = known.isOpened ? made : withDataOf(came, state, made);
  const record = succeed(state, result, decision, known, session);
  if (decision === "join") return { record: joined(record, session) };
  return record.generation === session.generation ? { record } : { record, entry: entryOf(record) };
}

/** A sign-in whose cookie is from before: the session's data is kept, of which that cookie has the latest that it can know. */
function withDataOf(came: SessionRecord, state: SessionState, made: SessionRecord): SessionRecord {
  const { data, flashes, permanent } = rebase(state, came);
  const record = { ...made, id: came.id, data, flashes, permanent };
  return { ...record, endsAt: state.rules.absoluteEnd(record) };
}

/**
 * The record of a session that is to begin, where `there` is what is known of its id: two requests that begin it begin one.
 * Null where that is somebody else's, or over.
 */
export function planBegin(
  state: SessionState,
  record: SessionRecord,
  there: SessionEntry | null,
): SessionRecord | null {
  if (there === null) return record;
  const found = decideBegin(state.isLogin, record.userId, there);
  if (found === null) return null;
  const { authenticatedAt } = record;
  const next = { ...succeed(state, record, found.decision, found.known, there), authenticatedAt };
  return found.decision === "join" ? joined(next, there) : next;
}

/** With the earlier sign-in's time; an entry is not sealed, and makes no sign-in fresh for longer. */
function joined(record: SessionRecord, { authenticatedAt }: SessionEntry): SessionRecord {
  return { ...record, authenticatedAt: Math.min(authenticatedAt ?? record.renewedAt, record.renewedAt) };
}

export function entryOf(record: SessionRecord): SessionEntry {
  return { ...identityOf(record), authenticatedAt: record.authenticatedAt };
}

export function withRandomId(record: SessionRecord): SessionRecord {
  return { ...record, id: encodeBase64url(randomBytes(16)) };
}
