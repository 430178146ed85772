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
  const control = cookies.length > 0 ? "private, no-store" : privateControl(own("cache-control"));
  if (control !== null) lines.push(["Cache-Control", control]);
  for (const [name, value] of sharedControls) if (response?.header(name) != null) lines.push([name, value]);
  return lines;
}

/**
 * Cache-Control so that no shared cache keeps the response; null when the app's own directives see to that. A `max-age` alone
 * lets every cache on the way keep it (RFC 9111, section 3), and many of those know nothing of `Vary: Cookie`. What the app
 * forbids stays forbidden: only what lets a shared cache keep the response is taken out. With a value, `private="…"` is
 * about those headers alone.
 */
function privateControl(own: string): string | null {
  const directives =
    own
      .match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g)
      ?.map((each) => each.trim())
      .filter(Boolean) ?? [];
  const has = (directive: RegExp): boolean => directives.some((each) => directive.test(each));
  const isShared = has(/^(public\b|s-maxage\b(?!=0+$))/i);
  if (has(/^no-store$/i) || (has(/^private$/i) && !isShared)) return null;
  if (directives.length > 0 && !isShared && !has(/^s-maxage\b/i)) return `private, ${own}`;
  // How long shared caches may keep it was said of a page for everybody: a browser asks again.
  const kept = directives.filter((each) => /^(no-|must-|proxy-)/i.test(each) && !/^no-cache$/i.test(each));
  return ["private", "no-cache", ...kept].join(", ");
}

/** Whether the app's own directives let a shared cache keep the response, for all visitors. */
export function isCacheable(response: ResponseHead): boolean {
  const own = ["cache-control", ...sharedControls.map(([name]) => name)].map((name) =>
    String(response.header(name) ?? ""),
  );
  return own.some((each) => /(^|,)\s*(public|s-maxage|max-age)\b/i.test(each) && !forbidsSharing.test(each));
}

const forbidsSharing = /(^|,)\s*(private|no-store)\s*(,|$)/i;

/** Caches that know one of these go by it alone, and never look at Cache-Control (RFC 9213); what each takes for "not to be kept". */
const sharedControls: readonly (readonly [name: string, notStored: string])[] = [
  ["akamai-cache-control", "no-store"],
  ["cdn-cache-control", "no-store"],
  ["cloudflare-cdn-cache-control", "no-store"],
  ["edge-control", "no-store"],
  ["netlify-cdn-cache-control", "no-store"],
  ["surrogate-control", "no-store"],
  ["vercel-cdn-cache-control", "no-store"],
  // Seconds, for nginx: 0 keeps nothing.
  ["x-accel-expires", "0"],
  ["x-litespeed-cache-control", "no-cache"],
];
