import { SessionError } from "../errors.ts";

/** How often something is tried that another request may be faster at: each try loses only to one that won. */
const TRIES_MAX = 30;
/** The longest wait between two tries, in milliseconds. */
const WAIT_MS_MAX = 50;

/**
 * For the moment after try number `tries` (from 1) was lost: the second try follows at once, the others after a short wait
 * of random length, so that many who met do not meet again. Rejects with `session_conflict` when it was the last.
 */
export async function backoff(tries: number): Promise<void> {
  if (tries === TRIES_MAX) {
    throw new SessionError("session_conflict", `${TRIES_MAX} other requests were faster at changing the same session`);
  }
  if (tries > 1) await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** tries, WAIT_MS_MAX)));
}
