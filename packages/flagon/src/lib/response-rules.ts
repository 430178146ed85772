import type { HeaderLine, HeaderValue, ResponseHead } from "./header-lines.ts";

/**
 * What a response says to caches once its session was looked at: that it varies with the cookie, that nobody but this
 * visitor's browser may keep it, and nobody at all when it carries a cookie (RFC 9111; OWASP ASVS 5, 14.3.2).
 */
export function linesFor(cookies: readonly string[], response: ResponseHead | undefined): HeaderLine[] {
  const lines: HeaderLine[] = cookies.map((cookie) => ["Set-Cookie", cookie]);
  const vary = listOf(response?.header("vary"));
  if (!vary.some((name) => name === "*" || name.toLowerCase() === "cookie")) {
    lines.push(["Vary", [...vary, "Cookie"].join(", ")]);
  }
  if (cookies.length > 0) {
    lines.push(["Cache-Control", "private, no-store"]);
  } else if (!isPrivate(listOf(response?.header("cache-control")))) {
    lines.push(["Cache-Control", "private, no-cache"]);
  }
  return lines;
}

/** Whether the app has set directives of its own that let no shared cache keep the response. */
function isPrivate(directives: readonly string[]): boolean {
  return directives.length > 0 && !directives.some((directive) => /^(public|s-maxage)\b/i.test(directive));
}

function listOf(value: HeaderValue | null | undefined): string[] {
  if (value === null || value === undefined) return [];
  return String(value)
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
