import type { OpenRequest, SessionRecord } from "../codec.ts";
import type { StoredSession } from "../store.ts";
import { BoundedMap } from "./bounded-map.ts";
import type { CookieJar } from "./cookie.ts";
import type { CookieHome, CookieStay } from "./cookie-home.ts";
import { LATE_MS } from "./ended.ts";
import { emit } from "./events.ts";
import { failed, type Home, type Loaded, muted, nobody, type Stay } from "./home.ts";
import type { Revocations } from "./revocations.ts";
import type { Visit } from "./visit.ts";

/** How many answers of the store are remembered for a moment. */
const ANSWERS_MAX = 10_000;

interface Answer {
  readonly askedAt: number;
  readonly endedAt: number | null;
}

/** Sealed cookies, checked against a store of ended sessions: seldom for reading, always before a cookie is sealed. */
export class RevocableHome implements Home {
  readonly #cookies: CookieHome;
  readonly revocations: Revocations;
  readonly #stalenessMs: number;
  readonly #answers: BoundedMap<string, Answer> = new BoundedMap(ANSWERS_MAX);

  constructor(cookies: CookieHome, revocations: Revocations, stalenessMs: number) {
    this.#cookies = cookies;
    this.revocations = revocations;
    this.#stalenessMs = stalenessMs;
  }

  open(request: OpenRequest, jar: CookieJar): Stay | Promise<Stay> {
    const stay = this.#cookies.open(request, jar);
    const loaded = stay.load();
    if (loaded.record === null) return new RevocableStay(this, stay, loaded);
    const { record } = loaded;
    const answer = this.#answers.get(record.id);
    if (answer !== undefined && this.#cookies.now() - answer.askedAt < this.#stalenessMs) {
      return this.#stay(stay, loaded, answer.endedAt);
    }
    return this.endedAt(record).then((endedAt) => this.#stay(stay, loaded, endedAt), failed);
  }

  /** Asks the store, and remembers what it said. */
  async endedAt(record: SessionRecord): Promise<number | null> {
    const askedAt = this.#cookies.now();
    const endedAt = await this.revocations.endedAt(record);
    this.#answers.set(record.id, { askedAt, endedAt });
    return endedAt;
  }

  list(): Promise<StoredSession[]> {
    return this.#cookies.list();
  }

  async revoke(id: string): Promise<void> {
    await this.revocations.endId(id);
    this.#answers.delete(id);
    emit("flagon:revoke", () => ({ id, userId: null, reason: "revoked" }));
  }

  async revokeUser(userId: string, except: string | undefined): Promise<void> {
    await this.revocations.endUser(userId, except);
    emit("flagon:revoke", () => ({ id: null, userId, reason: "revoked" }));
  }

  prune(): Promise<number> {
    return this.revocations.prune();
  }

  #stay(stay: CookieStay, loaded: Loaded, endedAt: number | null): Stay {
    if (endedAt === null) return new RevocableStay(this, stay, loaded);
    emit("flagon:reject", () => ({ reason: "ended" }));
    const isLate = this.#cookies.now() - endedAt < LATE_MS;
    return new RevocableStay(this, stay, isLate ? muted : nobody);
  }
}

class RevocableStay implements Stay {
  readonly #home: RevocableHome;
  readonly #cookie: CookieStay;
  readonly #loaded: Loaded;

  constructor(home: RevocableHome, cookie: CookieStay, loaded: Loaded) {
    this.#home = home;
    this.#cookie = cookie;
    this.#loaded = loaded;
  }

  load(): Loaded {
    return this.#loaded;
  }

  async save(visit: Visit): Promise<string[]> {
    const { record: opened, renewalDue } = visit.loaded;
    if (!visit.isChanged && !renewalDue) return [];
    const { revocations } = this.#home;
    if (this.#cookie.isOver(visit) || (opened !== null && (await this.#home.endedAt(opened)) !== null)) {
      if (opened !== null && visit.ending === "ended") await revocations.end(opened);
      return this.#cookie.drop(visit);
    }
    const { record } = visit;
    if (visit.isLogin && record.userId !== null) {
      record.authenticatedAt = Math.max(record.authenticatedAt ?? 0, await revocations.earliestLogin(record.userId));
    }
    const lines = this.#cookie.write(visit);
    if (opened !== null && visit.ending === "ended") await revocations.end(opened);
    if (opened !== null && visit.ending === "rotated") {
      await revocations.passOn(opened, record.id);
      if (!(await revocations.retire(opened))) return this.#cookie.drop(visit);
    }
    this.#cookie.end(visit);
    return lines;
  }
}
