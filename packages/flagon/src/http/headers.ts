/** One line of a response's head, as `commit` hands it to an adapter. */
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
export const representationHeaders: readonly string[] = [
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
