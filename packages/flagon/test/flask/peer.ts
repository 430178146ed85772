import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { python } from "../../../../test/support/services/flask.ts";

/** A Python value with its type, as `peer.py` describes one. */
export type Description =
  | null
  | boolean
  | string
  | Description[]
  | { int: string }
  | { float: string }
  | { markup: string }
  | { bytes: string }
  | { uuid: string }
  | { datetime: number }
  | { tuple: Description[] }
  | { dict: [string, Description][] };

/** Flask's configuration; bytes as `{ bytes: hex }`. */
export type Config = Readonly<Record<string, unknown>>;

export interface FlaskAnswer {
  readonly status: number;
  readonly cookies: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface FlaskRequest {
  readonly path: string;
  readonly method?: string;
  readonly json?: unknown;
  readonly headers?: readonly (readonly [string, string])[];
  readonly address?: string;
}

/** A long-running Python with Flask in it. */
export class FlaskPeer implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: ((line: string) => void)[] = [];
  #lastWords = "";

  static async start(): Promise<FlaskPeer> {
    return new FlaskPeer(await python());
  }

  private constructor(command: string) {
    const script = fileURLToPath(new URL("peer.py", import.meta.url));
    this.#child = spawn(command, ["-B", "-W", "ignore", script], { stdio: ["pipe", "pipe", "pipe"] });
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#waiting.shift()?.(line));
    this.#child.stderr.on("data", (chunk) => (this.#lastWords += String(chunk)));
    this.#child.on("exit", () => {
      for (const answer of this.#waiting.splice(0)) answer(JSON.stringify({ failed: this.#lastWords }));
    });
  }

  /** `now` in whole seconds since 1970. */
  async ask<Answer>(operation: string, config: Config, more: Record<string, unknown> = {}): Promise<Answer> {
    const line = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${JSON.stringify({ operation, config, ...more })}\n`);
    });
    const answer = JSON.parse(line) as Answer & { failed?: string };
    if (answer.failed !== undefined) throw new Error(`Python: ${answer.failed}`);
    return answer;
  }

  /** The cookie that Flask writes for a session. */
  async dump(config: Config, value: Description, now: number): Promise<string> {
    return (await this.ask<{ cookie: string }>("dump", config, { value, now })).cookie;
  }

  /** What Flask's `open_session` makes of a cookie. */
  load(config: Config, cookie: string, now: number): Promise<{ value: Description } | { error: string }> {
    return this.ask("load", config, { cookie, now });
  }

  /** As `load`, without the key by which Flagon tells its sessions apart. */
  async loadData(config: Config, cookie: string, now: number): Promise<{ value: Description } | { error: string }> {
    const loaded = await this.load(config, cookie, now);
    if ("error" in loaded) return loaded;
    const { dict } = loaded.value as { dict: [string, Description][] };
    return { value: { dict: dict.filter(([key]) => key !== "_flagon") } };
  }

  /** A good signature over any payload text. */
  async sign(config: Config, payload: string, now: number): Promise<string> {
    const bytes = Buffer.from(payload, "latin1").toString("base64");
    return (await this.ask<{ cookie: string }>("sign_text", config, { payload: bytes, now })).cookie;
  }

  /** One request to a Flask app with Flask-Login. */
  request(config: Config, request: FlaskRequest, now: number): Promise<FlaskAnswer> {
    return this.ask("request", config, { ...request, now });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await new Promise((resolve) => this.#child.once("exit", resolve));
  }
}
