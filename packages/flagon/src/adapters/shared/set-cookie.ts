/** A cookie as the jars of Next and SvelteKit take it: `cookies().set`, `event.cookies.set`. */
export interface SetCookie {
  name: string;
  value: string;
  path?: string;
  domain?: string;
  maxAge?: number;
  secure?: boolean;
  httpOnly?: boolean;
  partitioned?: boolean;
  sameSite?: "lax" | "strict" | "none";
  priority?: "low" | "medium" | "high";
}

/** A Set-Cookie line of Flagon's own, taken apart. */
export function readSetCookie(line: string): SetCookie {
  const [pair = "", ...attributes] = line.split(";");
  const cookie: SetCookie = { name: pair.slice(0, pair.indexOf("=")), value: pair.slice(pair.indexOf("=") + 1) };
  for (const attribute of attributes) {
    const [key = "", value = ""] = attribute.trim().split("=");
    const word = value.toLowerCase();
    if (key === "Path") cookie.path = value;
    else if (key === "Domain") cookie.domain = value;
    else if (key === "Max-Age") cookie.maxAge = Number(value);
    else if (key === "Secure") cookie.secure = true;
    else if (key === "HttpOnly") cookie.httpOnly = true;
    else if (key === "Partitioned") cookie.partitioned = true;
    else if (key === "SameSite") cookie.sameSite = word as "lax" | "strict" | "none";
    else if (key === "Priority") cookie.priority = word as "low" | "medium" | "high";
  }
  return cookie;
}
