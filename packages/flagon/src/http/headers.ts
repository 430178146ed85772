/** One line of a response's head, as `commit` hands it to a door. */
export type HeaderLine = readonly [name: string, value: string];

/** A response's head as `commit` looks at it: what the app has set so far under a name, in any case. */
export interface ResponseHead {
  header(name: string): HeaderValue | null | undefined;
}

/** A header as frameworks hold it; a list for one that stands there more than once. */
export type HeaderValue = string | number | readonly string[];

/**
 * What describes a response that will not be sent after all. An error page that kept these would be cut short by the
 * length of another body, or be a redirect. A plain list, since one that a call makes stays in bundles that never use it.
 */
export const deadHeaders: readonly string[] = [
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "location",
  "trailer",
  "transfer-encoding",
];

export function isSetCookie(name: string): boolean {
  return name.length === 10 && name.toLowerCase() === "set-cookie";
}

/** By shape, since a promise made elsewhere (another realm, a wrapped `Sessions`) is one too. */
export function isPromise<T extends object>(value: T | Promise<T>): value is Promise<T> {
  return "then" in value;
}

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

/**
 * The headers among `writeHead`'s arguments: `(status, reason?, headers?)`, where headers are an object, a flat list of
 * names and values, or a list of pairs.
 */
export function givenHeaders(args: readonly unknown[]): [name: string, value: HeaderValue][] {
  const given = typeof args[1] === "string" ? args[2] : (args[2] ?? args[1]);
  if (!Array.isArray(given)) return typeof given === "object" && given !== null ? Object.entries(given) : [];
  if (Array.isArray(given[0])) return given;
  const pairs: [string, HeaderValue][] = [];
  for (let index = 0; index < given.length; index += 2) pairs.push([given[index], given[index + 1]]);
  return pairs;
}

/** Headers that `writeHead` was given, under one name in any case; a list when it was given more than once. */
export function givenUnder(
  given: readonly (readonly [name: string, value: HeaderValue])[],
  name: string,
): HeaderValue | undefined {
  const values = given.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return values.length > 1 ? values.flat().map(String) : values[0];
}
