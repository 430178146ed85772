import { isSessionError, SessionError } from "../errors.ts";
import { emit } from "../events.ts";
import { publicId } from "../formats/public-id.ts";
import type { SessionState } from "../state/session-state.ts";

/**
 * For a write that makes a new cookie and got no answer: nobody knows which cookie opens the session now. The new one does in
 * either case, since a later generation opens what there is: so the error's response carries it.
 */
export function withNewCookie(error: unknown, line: string | undefined): unknown {
  if (!isSessionError(error) || error.code === "session_conflict" || line === undefined) return error;
  const headers = { "set-cookie": line, "cache-control": "no-store", ...error.headers };
  return new SessionError(error.code, error.message, { cause: error.cause, headers });
}

/**
 * Nobody wished for a renewal, so that one which the store refuses (it is full, or can only be read) fails no request: the session
 * goes on until its time is over. Returns the lines that the browser is owed all the same; throws what is no failure of the store.
 */
export function withoutRenewal({ loaded }: SessionState, error: unknown, lines: string[]): string[] {
  if (!isSessionError(error)) throw error;
  emit("flagon:error", () => ({ id: loaded.record && publicId(loaded.record), error }));
  return lines;
}
