import type { OpenRequest } from "../../codec.ts";

/** A request of the fetch standard. */
export class FetchRequest implements OpenRequest {
  readonly #request: Request;
  readonly #address: string | undefined;
  /** As `node:http` says it, which a `Request` does not. */
  readonly httpVersion: string | undefined;
  /** As Node's server says it, where that is underneath. */
  readonly isUpgrade: boolean;

  constructor(request: Request, address?: string, httpVersion?: string, isUpgrade = false) {
    this.#request = request;
    this.#address = address;
    this.httpVersion = httpVersion;
    this.isUpgrade = isUpgrade;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get address(): string | undefined {
    return this.#address;
  }

  /** The URL's host for Host: a server that trusts its proxy has put there what the browser asked for. */
  header(name: string): string | null {
    return name === "host" ? (this.url.split("/")[2] ?? null) : this.#request.headers.get(name);
  }
}
