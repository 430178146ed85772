/** A browser has one cookie of a name for each domain and path that fit: seldom two, never as many as fill a header. */
const SAME_NAME_MAX = 16;

/**
 * The values of the cookies with this name, in the order of the header (RFC 6265, section 5.4). One pass, from one place
 * where the name stands to the next; only spaces and tabs are trimmed, names are compared as they stand, nothing is
 * percent-decoded, one pair of quotes around a value is taken off. More than one cookie of a name is no error: a subdomain
 * can plant one, and the right one must still be found. Past sixteen no more are looked at, since each can cost a cipher or
 * a question to the store.
 */
export function readCookies(header: string, name: string): string[] {
  const values: string[] = [];
  for (let at = header.indexOf(name); at > -1 && values.length < SAME_NAME_MAX; at = header.indexOf(name, at + 1)) {
    const equals = skipBlanks(header, at + name.length, 1);
    const before = skipBlanks(header, at - 1, -1);
    if (header[equals] !== "=" || (before > -1 && header[before] !== ";")) continue;
    const end = header.indexOf(";", equals);
    at = end < 0 ? header.length : end;
    const value = header.slice(skipBlanks(header, equals + 1, 1), skipBlanks(header, at - 1, -1) + 1);
    values.push(/^"(.*)"$/s.exec(value)?.[1] ?? value);
  }
  return values;
}

/** The next place that holds no space or tab, to the right with a `step` of 1, to the left with -1. */
function skipBlanks(text: string, at: number, step: 1 | -1): number {
  while (isBlank(text.charCodeAt(at))) at += step;
  return at;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
