import { type HeaderLine, isSetCookie } from "../../http/headers.ts";

/**
 * The response with these lines in its head: itself where its head can be written, else a copy, as the head of
 * `Response.redirect()` and of what `fetch()` answered can't be. A WebSocket handshake keeps its socket: the copy has it on
 * Workers, and where no copy can be made, as on Deno, it goes without the lines.
 */
export function withLines(response: Response, lines: readonly HeaderLine[]): Response {
  if (lines.length === 0) return response;
  try {
    writeLines(response.headers, lines);
    return response;
  } catch {
    const copy = copyOf(response);
    if (copy === null) return response;
    writeLines(copy.headers, lines);
    return copy;
  }
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
