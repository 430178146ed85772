import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import express, { type ErrorRequestHandler } from "express";
import { createSessions, SessionError, type Store } from "flagon";
import { session } from "flagon/express";
import { SECRET } from "../../browser.ts";

/** How long a client waits after a 503: less than `Retry-After` says, as impatient ones do. */
const PAUSE_MS = 100;

/** An app that keeps each number that it is told in its visitor's session, and leaves every failure to Express. */
export async function startApp(store: Store): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const app = express();
  // Else Express prints each error that it answers.
  app.set("env", "test");
  app.use(session(createSessions({ secret: SECRET, store })));
  app.post("/numbers/:n", ({ session, params }, response) => {
    session.set(params.n, true);
    response.json({ id: session.id, numbers: [] });
  });
  app.get("/numbers", ({ session }, response) => {
    response.json({ id: session.id, numbers: [...session.keys()].map(Number) });
  });
  // The code, for the tests; status and Retry-After are as Express finds them on the error.
  const tellCode: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    if (error instanceof SessionError) response.set("x-code", error.code);
    next(error);
  };
  app.use(tellCode);
  const server: Server = createServer(app).listen(0, "127.0.0.1");
  server.keepAliveTimeout = 60_000;
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client with a socket and a session of its own, that writes 1, 2, 3, … into it, one after another. */
export class Writer {
  readonly #origin: string;
  readonly #agent: Agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #cookie: string | null = null;
  #next = 1;
  /** The public handle of its session, once it has one. */
  id = "";
  readonly acknowledged: number[] = [];
  /** The code of each 503. */
  readonly failures: string[] = [];
  /** When it was first acknowledged a write again after a failure, by `performance.now()`. The last time that this was so. */
  wroteAgainAt: number | null = null;
  #isFailing = false;

  constructor(origin: string) {
    this.#origin = origin;
  }

  get answers(): number {
    return this.acknowledged.length + this.failures.length;
  }

  /** How it stands, for whoever waits for it in vain. */
  get last(): string {
    const { acknowledged, failures } = this;
    return `${this.id}: ${acknowledged.length} acknowledged, then ${this.#isFailing ? failures.at(-1) : "on"}`;
  }

  /**
   * Sends the next number, once. Resolves whether it was acknowledged. Throws when it went into another session, and for a
   * failure that is no 503 with `Retry-After`, or that touches the cookie.
   */
  async write(): Promise<boolean> {
    const n = this.#next++;
    const { status, headers, body } = await this.#ask("POST", `/numbers/${n}`);
    const cookie = headers["set-cookie"]?.[0]?.split(";")[0] ?? null;
    if (status !== 200) {
      const code = String(headers["x-code"]);
      const isAsPromised = status === 503 && headers["retry-after"] === "5" && cookie === null && /^store_/.test(code);
      if (!isAsPromised) throw new Error(`number ${n}: ${status} ${code} ${JSON.stringify(headers)}`);
      this.failures.push(code);
      this.#isFailing = true;
      await sleep(PAUSE_MS);
      return false;
    }
    // The first answer brings the cookie; a second one would be another session's.
    if (this.#cookie === null) [this.#cookie, this.id] = [cookie, body.id];
    else if (cookie !== null || body.id !== this.id) throw new Error(`number ${n} went into another session`);
    if (this.#isFailing) this.wroteAgainAt = performance.now();
    this.#isFailing = false;
    this.acknowledged.push(n);
    return true;
  }

  /** The numbers that its session holds. Throws when the session is lost. */
  async read(): Promise<ReadonlySet<number>> {
    const { status, body } = await this.#ask("GET", "/numbers");
    if (status !== 200 || body.id !== this.id) throw new Error(`the session is lost: ${status}`);
    return new Set(body.numbers);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #ask(method: string, path: string): Promise<Answer> {
    const headers = this.#cookie === null ? {} : { cookie: this.#cookie };
    const sent = request(this.#origin + path, { agent: this.#agent, method, headers }).end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    let text = "";
    for await (const chunk of response) text += chunk;
    const status = response.statusCode ?? 0;
    return { status, headers: response.headers, body: status === 200 ? JSON.parse(text) : { id: "", numbers: [] } };
  }
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: { readonly id: string; readonly numbers: readonly number[] };
}
