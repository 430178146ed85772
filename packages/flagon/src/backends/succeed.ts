import type { SessionRecord } from "../codec.ts";
import type { SessionState } from "../state/session-state.ts";
import type { Decision, Known, SessionIdentity } from "./decision.ts";

/**
 * The record as the decision has it go on: which cookie is to open it from now on, and since when who is signed in. `record` has
 * the data to write; `session` is what is there now.
 */
export function succeed(
  state: SessionState,
  record: SessionRecord,
  decision: Decision,
  known: Known,
  session: SessionIdentity,
): SessionRecord {
  const { generation, since, signInId, userId } = session;
  if (decision !== "write") return { ...record, generation, since, signInId, userId };
  const isRotated = state.isLogin || state.isRotated;
  const latest = Math.max(generation, known.generation) + (isRotated ? 1 : 0);
  const next = { ...record, generation: latest, since, signInId, userId };
  if (isRotated) next.rotatedAt = record.renewedAt;
  if (state.isLogin) {
    const { createdAt, authenticatedAt, signInId: ownSignInId, userId: ownUserId } = state.record;
    Object.assign(next, { createdAt, authenticatedAt, userId: ownUserId, since: latest });
    next.signInId ||= ownSignInId;
  }
  if (state.hasNewEnd) next.endsAt = state.rules.absoluteEnd(next);
  return next;
}
