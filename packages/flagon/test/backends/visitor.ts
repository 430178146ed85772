import type { HeaderLine, Session, Sessions } from "flagon";
import { type Data, type Headers, requestOf } from "../browser.ts";

/** A browser before an app whose sessions are in a store: sends the cookies that it was given, and keeps new ones. */
export class Visitor<D extends object = Data> {
  readonly cookies: Map<string, string> = new Map();
  readonly sessions: Sessions<D>;
  /** The header lines of the last answer. */
  lines: readonly HeaderLine[] = [];

  constructor(sessions: Sessions<D>) {
    this.sessions = sessions;
  }

  /** Another browser with the same cookies: a thief's copy, this one before something happened, or another process. */
  copy(sessions: Sessions<D> = this.sessions): Visitor<D> {
    const copy = new Visitor(sessions);
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }

  /** A request as far as the handler. */
  async open(headers: Headers = {}, method = "GET"): Promise<Session<D>> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    return this.sessions.open(requestOf({ ...(cookie === "" ? {} : { cookie }), ...headers }, method));
  }

  /** The answer to it. */
  async answer(session: Session<D>): Promise<void> {
    this.lines = await this.sessions.commit(session);
    for (const line of this.setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (line.includes("; Max-Age=0")) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }

  /** A whole request; resolves what the handler did. */
  async visit<Result>(handler: (session: Session<D>) => Result, headers: Headers = {}): Promise<Awaited<Result>> {
    const session = await this.open(headers);
    const result = await handler(session);
    await this.answer(session);
    return result;
  }

  get setCookies(): string[] {
    return this.lines.filter(([name]) => name === "Set-Cookie").map(([, value]) => value);
  }

  /** Whether the cookie is good, as anybody who holds it would find. */
  async isKnown(): Promise<boolean> {
    return !(await this.open()).isNew;
  }
}
