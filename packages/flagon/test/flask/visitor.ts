import { createSessions, type Session, type SessionOptions, type Sessions } from "flagon";
import { CookieJar } from "../browser.ts";
import type { Config, FlaskAnswer, FlaskPeer, FlaskRequest } from "./peer.ts";

type Data = Record<string, unknown>;

export const AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/** One browser before a Flask app and a TypeScript app that share an origin. The clock is the test's. */
export class Visitor extends CookieJar {
  readonly sessions: Sessions<Data>;
  readonly #flask: FlaskPeer;
  readonly #config: Config;
  address = "127.0.0.1";
  agent: string = AGENT;
  now = 1_700_000_000;

  constructor(flask: FlaskPeer, config: Config, options: SessionOptions<Data>) {
    super();
    this.#flask = flask;
    this.#config = config;
    this.sessions = createSessions<Data>({ now: () => this.now * 1_000, csrf: false, ...options });
  }

  async toFlask(request: FlaskRequest): Promise<FlaskAnswer> {
    const headers = [["User-Agent", this.agent] as const, ...(request.headers ?? [])];
    if (this.cookies.size > 0) headers.push(["Cookie", this.cookieHeader]);
    const answer = await this.#flask.request(this.#config, { ...request, headers, address: this.address }, this.now);
    this.keep(answer.cookies);
    return answer;
  }

  /** A request to the TypeScript app; its Set-Cookie lines are kept, and returned. */
  async toTypeScript(handler: (session: Session<Data>) => unknown): Promise<string[]> {
    const headers: Record<string, string> = { "user-agent": this.agent, host: "shop.example" };
    if (this.cookies.size > 0) headers.cookie = this.cookieHeader;
    const session = await this.sessions.open({
      method: "GET",
      url: "https://shop.example/",
      header: (name) => headers[name],
      address: this.address,
    });
    await handler(session);
    const lines = (await this.sessions.commit(session))
      .filter(([name]) => name === "Set-Cookie")
      .map(([, line]) => line);
    this.keep(lines);
    return lines;
  }

  /** As Flask sees it. */
  async flaskSession(): Promise<FlaskAnswer["body"]> {
    return (await this.toFlask({ path: "/session" })).body;
  }
}
