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
  const control = cookies.length > 0 ? "private, no-store" : privately(listOf(response?.header("cache-control")));
  if (control !== null) lines.push(["Cache-Control", control]);
  for (const name of sharedControls) if (listOf(response?.header(name)).length > 0) lines.push([name, "no-store"]);
  return lines;
}

/** Caches that know one of these go by it alone, and never look at Cache-Control (RFC 9213). */
const sharedControls = [
  "cdn-cache-control",
  "cloudflare-cdn-cache-control",
  "netlify-cdn-cache-control",
  "surrogate-control",
  "vercel-cdn-cache-control",
];

/**
 * The app's own directives, made such that no shared cache keeps the response; null when they are already. A `max-age` alone
 * lets every cache on the way keep it (RFC 9111, section 3), and many of those know nothing of `Vary: Cookie`.
 */
function privately(directives: readonly string[]): string | null {
  if (directives.length === 0 || directives.some((directive) => /^(public|s-maxage)\b/i.test(directive))) {
    return "private, no-cache";
  }
  // With a value, `private="…"` is about those headers alone.
  if (directives.some((directive) => /^(private|no-store)$/i.test(directive))) return null;
  return ["private", ...directives].join(", ");
}

function listOf(value: HeaderValue | null | undefined): string[] {
  if (value === null || value === undefined) return [];
  return String(value)
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
