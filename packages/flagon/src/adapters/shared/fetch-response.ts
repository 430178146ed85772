import { type HeaderLine, isSetCookie } from "../../http/headers.ts";

/**
 * A copy of the response with these lines in its head. Never the response itself: an app may answer many requests with one,
 * and what is written there for one visitor would be sent to the next. A WebSocket handshake keeps its socket: the copy has
 * it on Workers, and where neither a copy can be made nor its head be written, as on Deno, it goes without the lines.
 */
export function withLines(response: Response, lines: readonly HeaderLine[]): Response {
  if (lines.length === 0) return response;
  const copy = copyOf(response);
  try {
    // A handshake that can't be copied is of one socket, and so of one visitor.
    writeLines((copy ?? response).headers, lines);
  } catch (error) {
    if (copy !== null) throw error;
  }
  return copy ?? response;
}

/** Null for a status that the runtime makes no response with: 101, and the 0 of `Response.error()`. */
function copyOf(response: Response): Response | null {
  try {
    return new Response(response.body, response);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Lets go of a body that will not be sent, so that what feeds it stops. */
export function discard(response: Response | undefined): void {
  response?.body?.cancel().catch(() => {});
}

/** Appends Set-Cookie lines and sets the others. */
export function writeLines(headers: Headers, lines: readonly HeaderLine[]): void {
  for (const [name, value] of lines) {
    if (isSetCookie(name)) headers.append(name, value);
    else headers.set(name, value);
  }
}
