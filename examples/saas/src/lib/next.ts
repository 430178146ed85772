/** Any host will do: it only shows whether `next` stays where it is. */
const here = "http://here.invalid";

/**
 * The path that a sign-in leads back to: `next` when it is a path of this site, else `fallback`.
 *
 * Browsers read `//evil.example` and `/\evil.example` as another host, drop tabs and line breaks while they parse, and
 * resolve `/.//evil.example` to `//evil.example`. So the text is refused for what it contains, and again for what a URL
 * parser makes of it; what is returned is the parser's own, plain ASCII, and safe in a Location header.
 */
export function safeNext(next: string | undefined, fallback = "/"): string {
  if (next === undefined || next.length > 1_000) return fallback;
  if (!/^\/(?![/\\])/.test(next) || /[\\\p{Cc}\p{Z}]/u.test(next)) return fallback;
  const url = URL.parse(next, here);
  if (url === null || url.origin !== here || url.pathname.startsWith("//")) return fallback;
  return url.pathname + url.search + url.hash;
}
