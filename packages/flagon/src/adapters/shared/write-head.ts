import type { HeaderValue } from "../../http/headers.ts";

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
