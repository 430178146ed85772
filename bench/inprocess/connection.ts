import type { Server } from "node:http";
import { type Duplex, duplexPair } from "node:stream";
import { hello } from "../http/servers/common.ts";

const body = Buffer.from(hello);
const none = Buffer.alloc(0);

/**
 * A client's connection to a server of this process, kept alive: what one end writes the other reads, with no socket, no kernel
 * and no other process between them. One request at a time. Every answer is known to end in the same body.
 */
export class Connection {
  readonly #client: Duplex;
  #received: Buffer = none;
  #resolve: (response: Buffer) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(server: Server) {
    const [client, served] = duplexPair();
    this.#client = client;
    client.on("data", (chunk: Buffer) => this.#take(chunk));
    client.on("close", () => this.#reject(new Error("the server closed the connection")));
    server.emit("connection", served);
  }

  /** The whole response; rejects when its status is not 200. */
  ask(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#client.write(request);
    });
  }

  #take(chunk: Buffer): void {
    const response = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    if (response.toString("latin1", 9, 12) !== "200") this.#reject(new Error(response.toString()));
    const isWhole = response.length > body.length && body.compare(response, response.length - body.length) === 0;
    this.#received = isWhole ? none : response;
    if (isWhole) this.#resolve(response);
  }
}

/** As a browser would send it, but for a dozen lines that cost everyone the same. */
export function requestOf(path: string, cookie = ""): Buffer {
  const lines = [`GET ${path} HTTP/1.1`, "Host: 127.0.0.1:3000", "User-Agent: bench", "Accept: */*"];
  if (cookie !== "") lines.push(`Cookie: ${cookie}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** What a browser would send back of the cookies that a response sets. */
export function cookiesOf(response: Buffer): string {
  const pairs = [...response.toString("latin1").matchAll(/^Set-Cookie: ([^;\r]*)/gim)];
  return pairs.map(([, pair]) => pair).join("; ");
}
