import type { SessionError } from "../../errors.ts";

import { isSessionError } from "../../errors.ts";

/** What a `Session` has, as far as it matters here: asking it is a look. */
interface Look {
  readonly isNew: boolean;
}

/**
 * An error page with the status of what failed. Some frameworks answer every unforeseen error with 500, a store that could
 * not be asked among them; the page stays theirs, and the client learns that it may come back.
 */
export function withSessionStatus(response: Response, session: Look): Response {
  const failure = response.status === 500 ? failureOf(session) : null;
  if (failure === null) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(failure.headers)) headers.set(name, value);
  return new Response(response.body, { status: failure.status, headers });
}

/** What the first look at the session failed with; a look fails each time, or never. */
function failureOf(session: Look): SessionError | null {
  try {
    void session.isNew;
    return null;
  } catch (error) {
    return isSessionError(error) ? error : null;
  }
}
