/** A cookie as somebody copied it. */
export interface PastedCookie {
  /** Null for a bare value. */
  readonly name: string | null;
  readonly value: string;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const attribute = /^(?:path|domain|expires|max-age|samesite|secure|httponly|partitioned|priority)$/i;

/**
 * The cookies in what was pasted: a bare value, `name=value`, a Cookie header, Set-Cookie lines, a whole response's head.
 * What a header line says besides the cookie is left out.
 */
export function readPasted(text: string): PastedCookie[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const headers = lines.flatMap((line) => {
    const match = /^(?:[<>]\s*)?(set-cookie|cookie)\s*:\s*(.*)$/i.exec(line);
    return match === null ? [] : [{ isSet: match[1]?.toLowerCase() === "set-cookie", pairs: match[2] ?? "" }];
  });
  if (headers.length > 0) {
    return headers.flatMap(({ isSet, pairs }) => (isSet ? pairsOf(pairs).slice(0, 1) : pairsOf(pairs)));
  }
  const whole = text.trim();
  if (isBareValue(whole)) return whole === "" ? [] : [{ name: null, value: unquoted(whole) }];
  const pairs = pairsOf(whole);
  const isSetCookie = pairs.slice(1).some(({ name }) => attribute.test(name ?? ""));
  return isSetCookie ? pairs.slice(0, 1) : pairs;
}

/** base64 may end in "=", and a secure-session cookie has a ";" inside: neither makes a pair. */
function isBareValue(text: string): boolean {
  const name = text.slice(0, Math.max(text.indexOf("="), 0));
  return (
    !token.test(name) || /^[^=;\s]{40,}={1,2}$/.test(text) || /^[A-Za-z0-9+/]+={0,2};[A-Za-z0-9+/]{32}$/.test(text)
  );
}

function pairsOf(text: string): PastedCookie[] {
  return text.split(";").flatMap((piece) => {
    const equals = piece.indexOf("=");
    const name = piece.slice(0, Math.max(equals, 0)).trim();
    if (equals === -1) {
      // A flag such as Secure: kept, so that a Set-Cookie line is known by it.
      return attribute.test(piece.trim()) ? [{ name: piece.trim(), value: "" }] : [];
    }
    return token.test(name) ? [{ name, value: unquoted(piece.slice(equals + 1).trim()) }] : [];
  });
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
