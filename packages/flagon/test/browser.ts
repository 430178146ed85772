import type { HeaderLine, OpenRequest, ResponseHead, Session, Sessions } from "flagon";

/** Two secrets that nothing is wrong with. */
export const SECRET = "p7Qw-2ZrT.s9Vb4_XcK1~mHy6!dLf0Gj";
export const OTHER_SECRET = "Kx3!vN8@qR5#wT1$zB6%yC9^uF2&hJ4*";

/** The middle of an hour on no special day, in milliseconds since 1970. */
export const NOON: number = Date.UTC(2026, 4, 7, 12, 34, 56, 789);

export type Data = Record<string, unknown>;
export type Headers = Readonly<Record<string, string | undefined>>;

/** The clock of a test: moved by hand, and read by `createSessions({ now: clock.now })`. */
export class Clock {
  time: number = NOON;

  readonly now = (): number => this.time;

  /** Moves on by so many milliseconds, or back. */
  pass(ms: number): void {
    this.time += ms;
  }
}

export const SECOND = 1_000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** A request with just these headers, and the host of its URL unless they name another. */
export function requestOf(headers: Headers = {}, method = "GET", url = "https://shop.example/"): OpenRequest {
  const all: Headers = { host: new URL(url).host, ...headers };
  return { method, url, header: (name) => all[name] };
}

/** What sealed sessions have at once, and never as a promise. */
export function atOnce<T extends object>(value: T | Promise<T>): T {
  if (value instanceof Promise) throw new Error("sealed sessions need no waiting, and here is a promise");
  return value;
}

export interface Visit {
  readonly method?: string;
  readonly headers?: Headers;
  /** What the app has set on the response. */
  readonly response?: Readonly<Record<string, string | readonly string[]>>;
}

/** The cookies that a browser was given, and keeps. */
export class CookieJar {
  readonly cookies: Map<string, string> = new Map();

  /** The Cookie header of the next request; empty for none. */
  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** The value of the one cookie there is. */
  get cookie(): string {
    const [value, ...others] = this.cookies.values();
    if (value === undefined || others.length > 0) throw new Error(`there are ${this.cookies.size} cookies`);
    return value;
  }

  keep(setCookies: readonly string[]): void {
    for (const line of setCookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/; (?:Max-Age=0|Expires=Thu, 01 Jan 1970)/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

/** What a browser sends to an app, and what it takes from the answer. */
abstract class Client<D extends object> extends CookieJar {
  readonly sessions: Sessions<D>;
  readonly url: string;
  /** The header lines of the last answer. */
  lines: readonly HeaderLine[] = [];

  constructor(sessions: Sessions<D>, url = "https://shop.example/", cookies: Iterable<[string, string]> = []) {
    super();
    this.sessions = sessions;
    this.url = url;
    for (const [name, value] of cookies) this.cookies.set(name, value);
  }

  get setCookies(): string[] {
    return this.lines.filter(([name]) => name === "Set-Cookie").map(([, value]) => value);
  }

  /** The last answer's header; undefined when it had none. */
  header(name: string): string | undefined {
    return this.lines.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
  }

  protected request({ method = "GET", headers = {} }: Visit): OpenRequest {
    const cookie = this.cookieHeader === "" ? {} : { cookie: this.cookieHeader };
    return requestOf({ ...cookie, ...headers }, method, this.url);
  }

  protected take(lines: readonly HeaderLine[]): readonly HeaderLine[] {
    this.lines = lines;
    this.keep(this.setCookies);
    return lines;
  }
}

function headOf(response: Visit["response"]): ResponseHead | undefined {
  return response && { header: (name) => response[name] };
}

/** A browser before an app with sealed sessions, which have all at once. */
export class Browser<D extends object = Data> extends Client<D> {
  /** Another browser with the same cookies: a thief's copy, or this one before something happened. */
  copy(): Browser<D> {
    return new Browser(this.sessions, this.url, this.cookies);
  }

  /** A request as far as the handler. */
  open(visit: Visit = {}): Session<D> {
    return atOnce(this.sessions.open(this.request(visit)));
  }

  /** The answer to it. */
  answer(session: Session<D>, response?: Visit["response"]): readonly HeaderLine[] {
    return this.take(atOnce(this.sessions.commit(session, headOf(response))));
  }

  /** A whole request; returns what the handler did. */
  visit<Result>(handler: (session: Session<D>) => Result, visit: Visit = {}): Result {
    const session = this.open(visit);
    const result = handler(session);
    this.answer(session, visit.response);
    return result;
  }
}

/** A browser before an app whose sessions may be in a store. */
export class AsyncBrowser<D extends object = Data> extends Client<D> {
  /** Another browser with the same cookies: a thief's copy, this one before something happened, or before another process. */
  copy(sessions: Sessions<D> = this.sessions): AsyncBrowser<D> {
    return new AsyncBrowser(sessions, this.url, this.cookies);
  }

  /** A request as far as the handler. */
  async open(visit: Visit = {}): Promise<Session<D>> {
    return this.sessions.open(this.request(visit));
  }

  /** The answer to it. */
  async answer(session: Session<D>): Promise<void> {
    this.take(await this.sessions.commit(session));
  }

  /** A whole request; resolves what the handler did. */
  async visit<Result>(handler: (session: Session<D>) => Result, visit: Visit = {}): Promise<Awaited<Result>> {
    const session = await this.open(visit);
    const result = await handler(session);
    await this.answer(session);
    return result;
  }

  /** Whether the cookie is good, as anybody who holds it would find. */
  async isKnown(): Promise<boolean> {
    return !(await this.open()).isNew;
  }
}
