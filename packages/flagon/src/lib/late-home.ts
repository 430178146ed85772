import type { OpenRequest } from "../codec.ts";
import type { StoredSession } from "../store.ts";
import type { CookieJar } from "./cookie.ts";
import { failed, type Home, type Stay } from "./home.ts";

/**
 * A home whose code is fetched at its first use: what keeps its sessions in the cookie, or runs where every kilobyte is
 * loaded at each start, never carries what only a store needs.
 */
export class LateHome implements Home {
  readonly #fetch: () => Promise<Home>;
  #home: Home | null = null;
  #fetched: Promise<Home> | null = null;

  constructor(fetch: () => Promise<Home>) {
    this.#fetch = fetch;
  }

  open(request: OpenRequest, jar: CookieJar): Stay | Promise<Stay> {
    if (this.#home !== null) return this.#home.open(request, jar);
    return this.#load().then((home) => home.open(request, jar), failed);
  }

  async list(userId: string): Promise<StoredSession[]> {
    return (await this.#load()).list(userId);
  }

  async revoke(id: string): Promise<void> {
    await (await this.#load()).revoke(id);
  }

  async revokeUser(userId: string, except: string | undefined): Promise<void> {
    await (await this.#load()).revokeUser(userId, except);
  }

  async prune(): Promise<number> {
    return (await this.#load()).prune();
  }

  #load(): Promise<Home> {
    this.#fetched ??= this.#fetch().then((home) => {
      this.#home = home;
      return home;
    });
    return this.#fetched;
  }
}
