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
