import type { HeaderLine, ResponseHead } from "./headers.ts";

/**
 * What a response says to caches once its session was looked at: that it varies with the cookie, that nobody but this
 * visitor's browser may keep it, and nobody at all when it carries a cookie (RFC 9111; OWASP ASVS 5, 14.3.2).
 */
export function responseHeaders(cookies: readonly string[], response: ResponseHead | undefined): HeaderLine[] {
  const own = (name: string): string => String(response?.header(name) ?? "");
  const lines: HeaderLine[] = cookies.map((cookie) => ["Set-Cookie", cookie]);
  const vary = own("vary");
  if (!/(^|,)\s*(\*|cookie)\s*(,|$)/i.test(vary)) lines.push(["Vary", `${vary}, Cookie`.replace(/^[\s,]+/, "")]);
  const control = cookies.length > 0 ? "no-store" : privateDirectives(own("cache-control"));
  if (control !== null) lines.push(["Cache-Control", `private, ${control}`]);
  for (const name of sharedControls) if (response?.header(name)) lines.push([name, "no-store"]);
  return lines;
}

/**
 * What is to follow `private` so that no shared cache keeps the response; null when the app's own directives see to that. A
 * `max-age` alone lets every cache on the way keep it (RFC 9111, section 3), and many of those know nothing of
 * `Vary: Cookie`. With a value, `private="…"` is about those headers alone.
 */
function privateDirectives(own: string): string | null {
  if (/^[\s,]*$|(^|,)\s*(public|s-maxage)\b/i.test(own)) return "no-cache";
  return forbidsSharing.test(own) ? null : own;
}

/** Whether the app's own directives let a shared cache keep the response, for all visitors. */
export function isCacheable(response: ResponseHead): boolean {
  const own = ["cache-control", ...sharedControls].map((name) => String(response.header(name) ?? ""));
  return own.some((each) => /(^|,)\s*(public|s-maxage|max-age)\b/i.test(each) && !forbidsSharing.test(each));
}

const forbidsSharing = /(^|,)\s*(private|no-store)\s*(,|$)/i;

/** Caches that know one of these go by it alone, and never look at Cache-Control (RFC 9213). */
const sharedControls = [
  "cdn-cache-control",
  "cloudflare-cdn-cache-control",
  "netlify-cdn-cache-control",
  "surrogate-control",
  "vercel-cdn-cache-control",
];
