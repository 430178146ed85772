import type { OpenRequest, SessionRecord } from "../../codec.ts";
import { emit } from "../../events.ts";
import { publicId } from "../../formats/public-id.ts";
import { close, Session } from "../../session.ts";
import { rebase } from "../../state/rebase.ts";
import { SessionState } from "../../state/session-state.ts";
import { backoff } from "../../util/retry.ts";
import { type StoreContext, sessionIn } from "./context.ts";
import { putRow, rowOf } from "./rows.ts";

/** A change from outside the session's requests. False for a session that is over, or signed in to since. */
export async function updateSession<Data extends object>(
  named: Pick<SessionRecord, "id" | "signInId">,
  context: StoreContext,
  change: (session: Session<Data>) => void,
  isVisit: boolean,
): Promise<boolean> {
  const { store, reader } = context;
  for (let tries = 1; ; tries++) {
    const found = sessionIn(await store.read(named.id), context);
    if (!found?.record || found.record.signInId !== named.signInId || reader.limitOf(found.record) !== null)
      return false;
    const state = changed(found.record, context, change);
    if (!state?.isChanged && !isVisit) return true;
    const made = state === null ? found.record : rebase(state, state.loaded.record ?? found.record);
    const renewedAt = isVisit ? context.now() : found.record.renewedAt;
    const record = { ...made, renewedAt };
    const row = rowOf(state, record, found.row, context);
    if ((await putRow(row, found.row, context)).isWritten) {
      emit("flagon:commit", () => ({ id: publicId(record), bytes: row.data?.length ?? 0, nearLimit: false }));
      return true;
    }
    await backoff(tries);
  }
}

/** The record as `change` makes it; null where that did not look at it. */
function changed<Data extends object>(
  record: SessionRecord,
  { rules, now }: StoreContext,
  change: (session: Session<Data>) => void,
): SessionState | null {
  const handle = { load: () => ({ record }), save: () => [], flush: () => {} };
  const session = new Session<Data>(outside, () => new SessionState(outside, rules, handle, now()));
  if (isThenable(change(session))) {
    throw new TypeError("sessions.update: the change has to be synchronous: await before it, not in it");
  }
  const state = close(session)?.state ?? null;
  if (state?.isEnded || state?.isLogin || state?.isRotated) {
    throw new TypeError(
      "sessions.update cannot sign in, sign out, rotate or change permanent: no browser would learn of it",
    );
  }
  return state;
}

/** The request of a change from outside any request. */
const outside: OpenRequest = { method: "POST", url: "", header: () => null };

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
