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

/** A browser before an app with sealed sessions: sends the cookies that it was given, and keeps those that it is given. */
export class Browser<D extends object = Data> {
  readonly cookies: Map<string, string> = new Map();
  readonly sessions: Sessions<D>;
  readonly url: string;
  /** The header lines of the last answer. */
  lines: readonly HeaderLine[] = [];

  constructor(sessions: Sessions<D>, url = "https://shop.example/") {
    this.sessions = sessions;
    this.url = url;
  }

  /** Another browser with the same cookies: a thief's copy, or this one before something happened. */
  copy(): Browser<D> {
    const copy = new Browser(this.sessions, this.url);
    for (const [name, value] of this.cookies) copy.cookies.set(name, value);
    return copy;
  }

  /** A request as far as the handler. */
  open({ method = "GET", headers = {} }: Visit = {}): Session<D> {
    const cookie = this.cookieHeader === "" ? {} : { cookie: this.cookieHeader };
    return atOnce(this.sessions.open(requestOf({ ...cookie, ...headers }, method, this.url)));
  }

  /** The answer to it. */
  answer(session: Session<D>, response?: Visit["response"]): readonly HeaderLine[] {
    const head: ResponseHead | undefined = response && { header: (name) => response[name] };
    this.lines = atOnce(this.sessions.commit(session, head));
    for (const cookie of this.setCookies) this.#keep(cookie);
    return this.lines;
  }

  /** A whole request; returns what the handler did. */
  visit<Result>(handler: (session: Session<D>) => Result, visit: Visit = {}): Result {
    const session = this.open(visit);
    const result = handler(session);
    this.answer(session, visit.response);
    return result;
  }

  get setCookies(): string[] {
    return this.lines.filter(([name]) => name === "Set-Cookie").map(([, value]) => value);
  }

  /** The last answer's header; undefined when it had none. */
  header(name: string): string | undefined {
    return this.lines.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** The value of the one cookie there is. */
  get cookie(): string {
    const [value, ...others] = this.cookies.values();
    if (value === undefined || others.length > 0) throw new Error(`there are ${this.cookies.size} cookies`);
    return value;
  }

  #keep(line: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (line.includes("; Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}
