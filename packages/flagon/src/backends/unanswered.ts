import { isSessionError, SessionError } from "../errors.ts";

/**
 * For a write that makes a new cookie and got no answer: nobody knows which cookie opens the session now. The new one does in
 * either case, since a later generation opens what there is: so the error's response carries it.
 */
export function withNewCookie(error: unknown, line: string | undefined): unknown {
  if (!isSessionError(error) || error.code === "session_conflict" || line === undefined) return error;
  const headers = { "set-cookie": line, "cache-control": "no-store", ...error.headers };
  return new SessionError(error.code, error.message, { cause: error.cause, headers });
}
