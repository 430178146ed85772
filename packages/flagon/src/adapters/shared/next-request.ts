import type { OpenRequest } from "../../codec.ts";
import { isLoopbackAddress } from "../../http/loopback.ts";

interface Headers {
  get(name: string): string | null;
}

/**
 * The Cookie header as the browser sent it, and over it what the proxy, a handler or an action has set in this request. Next's
 * own reading of it won't do: of several cookies of a name, of which a subdomain can plant one, it shows the last, and each
 * value percent-decoded.
 */
export function cookieHeader(
  headers: Headers,
  shown: readonly { readonly name: string; readonly value: string }[],
): string {
  // Once the proxy has set a cookie, Next writes its own reading over the header.
  const header = headers.get("x-middleware-set-cookie") === null ? headers.get("cookie") : null;
  const sent = header === null ? [] : header.split(/; */).filter((pair) => pair !== "");
  const read = readAsNext(sent);
  const set = shown.filter(({ name, value }) => read.get(name) !== value);
  const names = new Set(set.map(({ name }) => name));
  const kept = sent.filter((pair) => !names.has(nameOf(pair)));
  return [...kept, ...set.map(({ name, value }) => `${name}=${encode(value)}`)].join("; ");
}

function nameOf(pair: string): string {
  const equals = pair.indexOf("=");
  return equals < 0 ? pair : pair.slice(0, equals);
}

/** What differs from it was set. */
function readAsNext(pairs: readonly string[]): Map<string, string> {
  const read = new Map<string, string>();
  for (const pair of pairs) {
    const name = nameOf(pair);
    try {
      read.set(name, name === pair ? "true" : decodeURIComponent(pair.slice(name.length + 1)));
    } catch {
      // Next leaves out what is no percent-encoding.
    }
  }
  return read;
}

/** Only what would end the value: Flask's `remember_token` has a bar in it. */
function encode(value: string): string {
  return value.replace(/[^!-:<-~]+/g, encodeURIComponent);
}

/** A request as Next shows it to components, actions, route handlers and the proxy: headers and cookies. */
export class NextAppRequest implements OpenRequest {
  method: string;
  readonly #headers: Headers;
  readonly #cookies: string;
  readonly #path: string;

  /**
   * `cookies` in place of the Cookie header: what the proxy or an action has set in this request is among them. `request`, which
   * route handlers and the proxy are given, for its path; null for components and actions, which are not told.
   */
  constructor(method: string, headers: Headers, cookies: string, request: { readonly url: string } | null = null) {
    this.method = method;
    this.#headers = headers;
    this.#cookies = cookies;
    this.#path = request === null ? "/" : request.url.replace(/^\w+:\/\/[^/]*/, "");
  }

  /** Runs this as if for a request that shows nobody anything: flashes that are read then stay for one that may remove them. */
  unseen<Result>(read: () => Result): Result {
    const { method } = this;
    this.method = "HEAD";
    try {
      return read();
    } finally {
      this.method = method;
    }
  }

  get url(): string {
    const scheme = first(this.#headers.get("x-forwarded-proto")) ?? "http";
    return `${scheme}://${this.header("host") || "no-host.invalid"}${this.#path}`;
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
