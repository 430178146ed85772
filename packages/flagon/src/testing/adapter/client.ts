import type { SessionInfo } from "../../backends/backend.ts";
import type { OpenRequest } from "../../codec.ts";
import type { HeaderLine, ResponseHead } from "../../http/headers.ts";
import type { Session } from "../../session.ts";
import type { Sessions } from "../../sessions.ts";
import type { Store } from "../../store.ts";
import { deferred } from "../deferred.ts";
import { exchange, type RawReply, type RawRequest, valuesOf } from "./raw-http.ts";

/** The data of the suite's own sessions. */
export type Data = Record<string, unknown>;

export const cookieName = "conformance";

/** The session cookies that a response sets. */
export function sessionCookies(reply: RawReply): string[] {
  return valuesOf(reply, "set-cookie").filter((line) => line.startsWith(`${cookieName}=`));
}

/** A visitor's browser, as far as its jar goes. */
export class Client {
  readonly #origin: string;
  cookie: string | null = null;

  constructor(origin: string) {
    this.#origin = origin;
  }

  get headers(): Record<string, string> {
    return this.cookie === null ? {} : { cookie: `theme=dark; ${this.cookie}` };
  }

  get(path: string, more: Partial<RawRequest> = {}): Promise<RawReply> {
    return this.send({ ...more, path });
  }

  async send(request: RawRequest): Promise<RawReply> {
    const reply = await exchange(this.#origin, { ...request, headers: { ...this.headers, ...request.headers } });
    this.keep(reply);
    return reply;
  }

  keep(reply: RawReply): void {
    const [line] = sessionCookies(reply);
    if (line !== undefined) this.cookie = line.split(";")[0] ?? null;
  }
}

/** Sessions that count their commits, and whose commits can be held up or made to fail. */
export class WatchedSessions implements Sessions<Data> {
  readonly #inner: Sessions<Data>;
  readonly #isSlow: boolean;
  #commits = 0;
  #gate: { readonly reached: () => void; readonly opened: Promise<void> } | null = null;
  #failure: Error | null = null;

  /** `isSlow`: a commit that fails rejects, as a store's does; else it throws at once, as a sealed cookie's does. */
  constructor(inner: Sessions<Data>, isSlow: boolean) {
    this.#inner = inner;
    this.#isSlow = isSlow;
    Object.freeze(this); // it outlives every request
  }

  get commits(): number {
    return this.#commits;
  }

  set commits(commits: number) {
    this.#commits = commits;
  }

  /** Holds the next commit up: `reached` resolves when it has begun, `open` lets it go on. */
  holdUp(): { readonly reached: Promise<void>; readonly open: () => void } {
    const [reached, opened] = [deferred(), deferred()];
    this.#gate = { reached: reached.resolve, opened: opened.promise };
    return { reached: reached.promise, open: opened.resolve };
  }

  /** From now on every commit fails with this; null ends that. */
  failWith(failure: Error | null): void {
    this.#failure = failure;
  }

  open(request: OpenRequest): Session<Data> | Promise<Session<Data>> {
    return this.#inner.open(request);
  }

  commit(session: Session<Data>, response?: ResponseHead): HeaderLine[] | Promise<HeaderLine[]> {
    this.#commits += 1;
    if (this.#failure !== null && this.#isSlow) return Promise.reject(this.#failure);
    if (this.#failure !== null) throw this.#failure;
    const gate = this.#gate;
    this.#gate = null;
    if (gate === null) return this.#inner.commit(session, response);
    gate.reached();
    return gate.opened.then(() => this.#inner.commit(session, response));
  }

  list(userId: string | number): Promise<SessionInfo[]> {
    return this.#inner.list(userId);
  }

  revoke(id: string, options?: { readonly userId?: string | number }): Promise<boolean> {
    return this.#inner.revoke(id, options);
  }

  update(
    id: string,
    change: (session: Session<Data>) => void,
    options?: { readonly renew?: boolean },
  ): Promise<boolean> {
    return this.#inner.update(id, change, options);
  }

  revokeUser(userId: string | number, options?: { readonly except?: string }): Promise<void> {
    return this.#inner.revokeUser(userId, options);
  }

  check(): Promise<void> {
    return this.#inner.check();
  }

  count(): Promise<number> {
    return this.#inner.count();
  }

  prune(): Promise<number> {
    return this.#inner.prune();
  }
}

/** A store that can be switched off, as a server is that restarts. */
export class SwitchableStore implements Store {
  readonly #inner: Store;
  isDown = false;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  read: Store["read"] = async (id) => this.#reach().read(id);
  create: Store["create"] = async (session) => this.#reach().create(session);
  replace: Store["replace"] = async (session, version) => this.#reach().replace(session, version);
  touch: Store["touch"] = async (id, clocks) => this.#reach().touch(id, clocks);
  delete: Store["delete"] = async (id) => this.#reach().delete(id);
  list: Store["list"] = async (userId) => this.#reach().list(userId);
  deleteExpired: Store["deleteExpired"] = async (now) => this.#reach().deleteExpired(now);

  #reach(): Store {
    if (this.isDown) throw new Error("the store is down");
    return this.#inner;
  }
}
