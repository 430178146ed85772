import type { SessionRecord } from "../codec.ts";
import type { SessionState } from "../state/session-state.ts";
import type { Decision, Known, SessionIdentity } from "./decision.ts";

/**
 * The record as the decision has it go on: which cookie is to open it from now on. `record` has the data to write, and whose it
 * is; `session` is what is there now. Of that no user is taken: it may come from a store whose entries are not sealed.
 */
export function succeed(
  state: SessionState,
  record: SessionRecord,
  decision: Decision,
  known: Known,
  session: SessionIdentity,
): SessionRecord {
  const { generation, since, signInId } = session;
  if (decision !== "write") return { ...record, generation, since, signInId };
  const isRotated = state.isLogin || state.isRotated;
  const latest = Math.max(generation, known.generation) + (isRotated ? 1 : 0);
  const next = { ...record, generation: latest, since, signInId };
  if (isRotated) next.rotatedAt = state.rules.now();
  if (state.isLogin) {
    const { createdAt, authenticatedAt, signInId: ownSignInId, userId } = state.record;
    Object.assign(next, { createdAt, authenticatedAt, userId, since: latest });
    next.signInId ||= ownSignInId;
  }
  if (state.hasNewEnd) next.endsAt = state.rules.absoluteEnd(next);
  return next;
}
