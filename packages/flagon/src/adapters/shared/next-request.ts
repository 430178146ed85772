import type { OpenRequest } from "../../codec.ts";
import { isLoopbackAddress } from "../../http/loopback.ts";

interface Headers {
  get(name: string): string | null;
}

/** A request as Next shows it to components, actions, route handlers and the proxy: headers and cookies. */
export class NextAppRequest implements OpenRequest {
  readonly method: string;
  readonly #headers: Headers;
  readonly #cookies: string;

  /** `cookies` in place of the Cookie header: what the proxy or an action has set in this request is among them. */
  constructor(method: string, headers: Headers, cookies: string) {
    this.method = method;
    this.#headers = headers;
    this.#cookies = cookies;
  }

  /** Without the path, which components and actions are not told. */
  get url(): string {
    return `${first(this.#headers.get("x-forwarded-proto")) ?? "http"}://${this.header("host") || "no-host.invalid"}/`;
  }

  get address(): string | undefined {
    return first(this.#headers.get("x-forwarded-for")) ?? undefined;
  }

  header(name: string): string | null {
    if (name === "cookie") return this.#cookies;
    if (name === "host") return first(this.#headers.get("x-forwarded-host")) ?? this.#headers.get("host");
    return name.startsWith("x-forwarded-") && this.#isDirect() ? null : this.#headers.get(name);
  }

  /**
   * Whether the browser is on this machine with no proxy between: Next then writes the `X-Forwarded-` headers itself, of
   * its own Host and of its peer's address. They would look like a proxy's, and a Secure cookie be lost on Safari.
   */
  #isDirect(): boolean {
    const isLoopback = isLoopbackAddress(this.#headers.get("x-forwarded-for") ?? "");
    return isLoopback && this.#headers.get("x-forwarded-host") === this.#headers.get("host");
  }
}

function first(list: string | null): string | null {
  return list === null ? null : (list.split(",")[0] as string).trim();
}

/** What Next's `cookies().set` takes. */
export interface NextCookie {
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
export function readSetCookie(line: string): NextCookie {
  const [pair = "", ...attributes] = line.split(";");
  const cookie: NextCookie = { name: pair.slice(0, pair.indexOf("=")), value: pair.slice(pair.indexOf("=") + 1) };
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
