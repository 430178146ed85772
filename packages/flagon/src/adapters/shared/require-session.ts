/**
 * Throws where something else stands in the session's place, as after cookie-session's `request.session = null`: nothing
 * would become of that, without a word. Another app's session is one. By a method, as a bundler may have copied the class.
 */
export function requireSession(found: unknown, place: string): void {
  if (typeof found === "object" && found !== null && "checkCsrfToken" in found) return;
  throw new TypeError(`${place} was replaced, and would be lost: use session.logout() or session.destroy()`);
}
