/** What browsers keep of one cookie: its name and its value together (RFC 6265bis, section 5.6). */
export const cookieBytesMax = 4_096;

export interface SentCookie {
  readonly name: string;
  /** Of name and value. */
  readonly bytes: number;
}

/** The session's cookie as the browser sent it; null when it sent none. */
export function sentSessionCookie(header: string | undefined): SentCookie | null {
  for (const pair of header?.split(";") ?? []) {
    const [name = "", ...value] = pair.trim().split("=");
    if (name === "session" || name === "__Host-Http-session")
      return { name, bytes: name.length + value.join("=").length };
  }
  return null;
}
