import type { OpenRequest, SessionRecord } from "../codec.ts";
import { emit } from "../events.ts";
import { isId } from "../formats/id-cookie.ts";
import type { Cookie } from "../http/cookie.ts";
import { rebase, withoutData } from "../state/rebase.ts";
import type { LoadedSession, SessionHandle, SessionState } from "../state/session-state.ts";
import { BoundedMap } from "../util/bounded-map.ts";
import { failed, muted, noSession, type SessionBackend } from "./backend.ts";
import type { CookieBackend, CookieHandle } from "./cookie.ts";
import { ROTATION_GRACE_MS } from "./revocations/local.ts";
import type { IdChange, Revocations } from "./revocations/sessions.ts";

/** How many answers of the store are remembered for a moment. */
const ANSWERS_MAX = 10_000;

interface Answer {
  readonly askedAt: number;
  readonly ending: IdChange | null;
}

/** Sealed cookies, checked against a store of ended sessions: seldom for reading, always before a cookie is sealed. */
export class RevocableCookieBackend implements SessionBackend {
  readonly revocations: Revocations;
  readonly #cookies: CookieBackend;
  readonly #now: () => number;
  readonly #stalenessMs: number;
  #answers: BoundedMap<string, Answer> = new BoundedMap(ANSWERS_MAX);

  constructor(cookies: CookieBackend, revocations: Revocations, now: () => number, stalenessMs: number) {
    this.#cookies = cookies;
    this.revocations = revocations;
    this.#now = now;
    this.#stalenessMs = stalenessMs;
  }

  open(request: OpenRequest, jar: Cookie): SessionHandle | Promise<SessionHandle> {
    const cookie = this.#cookies.open(request, jar);
    const loaded = cookie.load();
    if (loaded.record === null) return new RevocableCookieHandle(this, cookie, loaded, null);
    const { record } = loaded;
    const answer = this.#answers.get(record.id);
    if (answer !== undefined && this.#now() - answer.askedAt < this.#stalenessMs) {
      return this.#handleOf(cookie, loaded, answer.ending);
    }
    return this.ending(record).then((ending) => this.#handleOf(cookie, loaded, ending), failed);
  }

  /** Asks the store, and remembers what it said, unless something was ended here meanwhile. */
  async ending(record: SessionRecord): Promise<IdChange | null> {
    const askedAt = this.#now();
    const answers = this.#answers;
    const ending = await this.revocations.ending(record);
    answers.set(record.id, { askedAt, ending });
    return ending;
  }

  /** Forgets what the store said: in this process an end shows at once. */
  forget(): void {
    this.#answers = new BoundedMap(ANSWERS_MAX);
  }

  list(): Promise<never> {
    return this.#cookies.list();
  }

  async revoke(id: string): Promise<void> {
    if (!isId(id)) return;
    await this.revocations.endId(id);
    this.forget();
    emit("flagon:revoke", () => ({ id, userId: null, reason: "revoked" }));
  }

  async revokeUser(user: string | number, { except }: { readonly except?: string } = {}): Promise<void> {
    const userId = String(user);
    const kept = this.revocations.users.idsOf(except);
    const known = await Promise.all(kept.map((id) => this.revocations.heirsOf(id)));
    await this.revocations.users.end(userId, [...kept, ...known.flat()]);
    for (const id of kept) await this.revocations.users.except(userId, id, await this.revocations.heirsOf(id));
    this.forget();
    emit("flagon:revoke", () => ({ id: null, userId, reason: "revoked" }));
  }

  prune(): Promise<number> {
    return this.revocations.prune();
  }

  #handleOf(cookie: CookieHandle, loaded: LoadedSession, ending: IdChange | null): SessionHandle {
    if (ending === null) return new RevocableCookieHandle(this, cookie, loaded, null);
    emit("flagon:reject", () => ({ reason: "ended" }));
    const isLate = ending.how === "ended" && this.#now() - ending.at < ROTATION_GRACE_MS;
    return isLate
      ? new RevocableCookieHandle(this, cookie, muted, loaded.record)
      : new RevocableCookieHandle(this, cookie, noSession, null);
  }
}

class RevocableCookieHandle implements SessionHandle {
  readonly #backend: RevocableCookieBackend;
  readonly #cookie: CookieHandle;
  readonly #loaded: LoadedSession;
  /** The session that the request came with, where it ended just before. */
  readonly #late: SessionRecord | null;

  constructor(
    backend: RevocableCookieBackend,
    cookie: CookieHandle,
    loaded: LoadedSession,
    late: SessionRecord | null,
  ) {
    this.#backend = backend;
    this.#cookie = cookie;
    this.#loaded = loaded;
    this.#late = late;
  }

  load(): LoadedSession {
    return this.#loaded;
  }

  announce(id: string, from: string): void {
    this.#backend.revocations.users.announce(id, from, this.#loaded.record?.family);
  }

  async save(state: SessionState): Promise<string[]> {
    const { record: opened, renewalDue } = state.loaded;
    if (!state.isChanged && !renewalDue) return [];
    const came = opened ?? this.#late;
    if (came === null) return this.#begin(state);
    const ending = await this.#backend.ending(came);
    if (ending !== null) return this.#saveOver(state, came, ending);
    if (state.ending === null) return this.#cookie.write(state, state.result());
    return this.#replace(state, came);
  }

  async #begin(state: SessionState): Promise<string[]> {
    await this.#stamp(state);
    return this.#cookie.write(state, state.result());
  }

  /** Ends the id that the request came with, and only if this request is the one that ended it the next one begins. */
  async #replace(state: SessionState, came: SessionRecord): Promise<string[]> {
    const { revocations } = this.#backend;
    await this.#stamp(state);
    // Sealed before the old id ends: when the cookie is too large the session stays as it was.
    const lines = this.#cookie.write(state, state.result());
    const { record } = state;
    if (state.ending === "ended" && !state.isLogin) {
      const isFirst = await revocations.end(came, idOfNext(state));
      this.#tell(state, came);
      return isFirst ? lines : this.#cookie.erase();
    }
    if (!(await revocations.retire(came, record))) {
      const ending = await this.#backend.ending(came);
      return ending === null ? dropped(came) : this.#saveOver(state, came, ending);
    }
    this.#tell(state, came);
    if (record.userId !== null && record.userId === came.userId) {
      await revocations.users.except(record.userId, came.id, [record.id]);
    }
    return lines;
  }

  /** What is left to do for a request whose session is over. */
  async #saveOver(state: SessionState, came: SessionRecord, ending: IdChange): Promise<string[]> {
    const { revocations } = this.#backend;
    if (state.isLogin) return this.#signIn(state, came);
    if (state.ending !== "ended") return dropped(came);
    // A sign-out that comes after a rotation means the heir.
    const isFirst = await revocations.end(came, idOfNext(state));
    this.#backend.forget();
    return isFirst && ending.how === "revoked" ? this.#cookie.write(state, state.result()) : this.#cookie.erase();
  }

  /** A sign-in proves anew who is there: it takes the place of what the session has become. */
  async #signIn(state: SessionState, came: SessionRecord): Promise<string[]> {
    const { record, loaded } = state;
    await this.#stamp(state);
    delete record.family;
    const before = await this.#backend.revocations.takeOver(came, record, loaded.record === null);
    if (before === null) return dropped(came);
    this.#backend.forget();
    return this.#cookie.write(state, before === "live" ? state.result() : rebase(state, withoutData(record)));
  }

  /** A sign-in counts from after the last mark that ended the user's sessions. */
  async #stamp({ isLogin, record }: SessionState): Promise<void> {
    if (isLogin) await this.#backend.revocations.users.stamp(record);
  }

  #tell(state: SessionState, { id, userId }: SessionRecord): void {
    this.#backend.forget();
    emit("flagon:revoke", () => ({ id, userId, reason: state.ending ?? "ended" }));
  }
}

/** The id of the session that begins after a sign-out in the same request; null when none does. */
function idOfNext(state: SessionState): string | null {
  return state.result()?.id ?? null;
}

function dropped({ id }: SessionRecord): string[] {
  emit("flagon:conflict", () => ({ id, reason: "ended" }));
  return [];
}
