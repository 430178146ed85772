import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** One response as its bytes said it: every header line in its order, and whether the body arrived whole. */
export interface RawReply {
  readonly status: number;
  readonly lines: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** False when the connection ended before the length that the head promised. */
  readonly isWhole: boolean;
  /** Statuses of the informational responses before it. */
  readonly informational: readonly number[];
  /** Every byte of it as Latin-1, from the status line to the last of the body, informational responses first. */
  readonly raw: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  /** Names in lower case. `host` is added. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The values under one name, in lower case. */
export function valuesOf(reply: RawReply, name: string): string[] {
  return reply.lines.filter(([each]) => each === name).map(([, value]) => value);
}

/** The values under one name as one list, or null. */
export function headerOf(reply: RawReply, name: string): string | null {
  const values = valuesOf(reply, name);
  return values.length === 0 ? null : values.join(", ");
}

/** One connection of HTTP/1.1, spoken by hand: a client library would hide what is looked for here. */
export class RawConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #bytes: Buffer = Buffer.alloc(0);
  #isClosed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
    socket.on("error", () => {});
  }

  /** `origin` as in "http://127.0.0.1:3000". */
  static async open(origin: string): Promise<RawConnection> {
    const { hostname, port, host } = new URL(origin);
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
    await once(socket, "connect");
    return new RawConnection(socket, host);
  }

  /** What has arrived and was not read as a reply yet. */
  get pending(): string {
    return this.#bytes.toString("latin1");
  }

  /** Whether the server has ended the connection. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  send({ method = "GET", path, headers = {}, body }: RawRequest): void {
    const all = {
      host: this.#host,
      ...headers,
      ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body ?? ""}`);
  }

  /** The next response. Rejects when the connection ends before a head has come. */
  async reply(method = "GET"): Promise<RawReply> {
    const informational: number[] = [];
    let raw = "";
    for (;;) {
      const read = readReply(this.#bytes, method, this.#isClosed);
      if (read === null) {
        if (this.#isClosed) throw new Error("the connection was closed without a response");
        await this.#more();
        continue;
      }
      raw += this.#bytes.subarray(0, read.length).toString("latin1");
      this.#bytes = this.#bytes.subarray(read.length);
      if (read.reply.status >= 200 || read.reply.status === 101) return { ...read.reply, informational, raw };
      informational.push(read.reply.status);
    }
  }

  /** Waits until what has arrived holds a text. Rejects when the connection ends before. */
  async until(text: string): Promise<void> {
    while (!this.pending.includes(text)) {
      if (this.#isClosed) throw new Error(`the connection was closed before ${JSON.stringify(text)} came`);
      await this.#more();
    }
  }

  /** Waits until the server has ended the connection. */
  async ended(): Promise<void> {
    while (!this.#isClosed) await this.#more();
  }

  /** Ends the connection as a browser does whose window is closed. */
  destroy(): void {
    this.#socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** One request on a connection of its own. */
export async function exchange(origin: string, request: RawRequest): Promise<RawReply> {
  const connection = await RawConnection.open(origin);
  try {
    connection.send({ ...request, headers: { connection: "close", ...request.headers } });
    return await connection.reply(request.method);
  } finally {
    connection.destroy();
  }
}

/** One connection for many requests, one after another; opened anew where the server has ended it. */
export class KeptConnection {
  readonly #origin: string;
  #connection: RawConnection | null = null;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async exchange(request: RawRequest): Promise<RawReply> {
    const [reply] = await this.pipeline([request]);
    return reply as RawReply;
  }

  /** Sends all requests before it reads the first response. None of them may be answered with `Connection: close`. */
  async pipeline(requests: readonly RawRequest[]): Promise<RawReply[]> {
    if (this.#connection === null || this.#connection.isClosed) {
      this.#connection = await RawConnection.open(this.#origin);
    }
    const connection = this.#connection;
    for (const request of requests) connection.send(request);
    const replies: RawReply[] = [];
    for (const { method } of requests) replies.push(await connection.reply(method));
    if (connection.pending !== "") throw new Error(`more came than was asked for: ${connection.pending}`);
    if (replies.some((reply) => !reply.isWhole || /close/i.test(headerOf(reply, "connection") ?? ""))) this.close();
    return replies;
  }

  close(): void {
    this.#connection?.destroy();
    this.#connection = null;
  }
}

/** Reads one response from the front of `bytes`; null when more has to come. */
function readReply(
  bytes: Buffer,
  method: string,
  isClosed: boolean,
): { reply: Omit<RawReply, "raw" | "informational">; length: number } | null {
  const headLength = bytes.indexOf("\r\n\r\n") + 4;
  if (headLength < 4) return null;
  const [statusLine = "", ...rest] = bytes
    .subarray(0, headLength - 4)
    .toString("latin1")
    .split("\r\n");
  const status = Number(statusLine.split(" ")[1]);
  const lines = rest.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const first = (name: string) => lines.find(([each]) => each === name)?.[1];
  const reply = { status, lines };
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { reply: { ...reply, body: "", isWhole: true }, length: headLength };
  }
  const body = bytes.subarray(headLength);
  if (first("transfer-encoding")?.toLowerCase() === "chunked") {
    const chunked = readChunks(body);
    if (!chunked.isWhole && !isClosed) return null;
    return { reply: { ...reply, ...chunked }, length: headLength + chunked.length };
  }
  const length = first("content-length");
  const isWhole = length === undefined ? isClosed : body.length >= Number(length);
  if (!isWhole && !isClosed) return null;
  const end = length === undefined ? body.length : Math.min(Number(length), body.length);
  return { reply: { ...reply, body: body.subarray(0, end).toString(), isWhole }, length: headLength + end };
}

function readChunks(bytes: Buffer): { body: string; isWhole: boolean; length: number } {
  const chunks: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", offset);
    const size = lineEnd === -1 ? Number.NaN : Number.parseInt(bytes.subarray(offset, lineEnd).toString("latin1"), 16);
    const start = lineEnd + 2;
    if (Number.isNaN(size) || bytes.length < start + size + 2) {
      return { body: Buffer.concat(chunks).toString(), isWhole: false, length: bytes.length };
    }
    offset = start + size + 2;
    if (size === 0) return { body: Buffer.concat(chunks).toString(), isWhole: true, length: offset };
    chunks.push(bytes.subarray(start, start + size));
  }
}
