import type { IncomingHttpHeaders } from "node:http";
import type { OpenRequest } from "../../codec.ts";

/** What `http.IncomingMessage` and `http2.Http2ServerRequest` have in common. */
export interface NodeIncoming {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion?: string | undefined;
  /** Node's own, set where its server hands out the connection and makes no response. */
  readonly upgrade?: boolean | undefined;
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: unknown };
}

/** What tells whether a response is over. */
export interface NodeAnswer {
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  /** Not in what stands in for a response in a socket's handshake. */
  readonly headersSent?: boolean;
}

/** A request as Node's own server got it. Nothing is read before it is asked for: most requests need one header. */
export class NodeRequest implements OpenRequest {
  readonly #incoming: NodeIncoming;
  readonly #response: NodeAnswer | undefined;

  constructor(incoming: NodeIncoming, response?: NodeAnswer) {
    this.#incoming = incoming;
    this.#response = response;
  }

  get isAnswered(): boolean {
    return this.#response !== undefined && (this.#response.writableEnded || this.#response.destroyed);
  }

  get isUpgrade(): boolean {
    const response = this.#response;
    return this.#incoming.upgrade === true || (response !== undefined && typeof response.headersSent !== "boolean");
  }

  get method(): string {
    return this.#incoming.method ?? "GET";
  }

  get url(): string {
    const target = this.target;
    // In the absolute form (RFC 9112, 3.2.2) the client names a scheme and a host as it likes. Without a Host, as HTTP/1.0
    // allows, the host is one that nothing has (RFC 6761), and so no Origin's.
    const path = target.startsWith("/") ? target : target.replace(/^[^/]*(\/\/[^/]*)?\/?/, "/");
    return `${this.scheme}://${this.header("host") || "no-host.invalid"}${path}`;
  }

  get address(): string | undefined {
    return this.#incoming.socket.remoteAddress;
  }

  get httpVersion(): string | undefined {
    return this.#incoming.httpVersion;
  }

  header(name: string): string | undefined {
    const { headers } = this.#incoming;
    const value = headers[name] ?? (name === "host" ? headers[":authority"] : undefined);
    return Array.isArray(value) ? value.join(", ") : value;
  }

  protected get scheme(): string {
    return this.#incoming.socket.encrypted ? "https" : "http";
  }

  protected get target(): string {
    return this.#incoming.url ?? "/";
  }
}
