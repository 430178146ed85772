import type { CodecContext, CookieFormat, CookieReader } from "../codec.ts";
import { type BackendOptions, storeTimes } from "../options.ts";
import type { Lifetimes } from "../state/lifetime.ts";
import type { SessionHandle, SessionRules } from "../state/session-state.ts";
import type { Store } from "../store.ts";
import { KeyedQueue } from "../util/keyed-queue.ts";
import type { Moments } from "../util/moment.ts";
import { isPromise } from "../util/promise.ts";
import type { SessionBackend } from "./backend.ts";
import { cookieBackend, type FindLegacySession } from "./cookie.ts";
import { RevocableCookieBackend } from "./revocable-cookie.ts";
import { localMemory } from "./revocations/local.ts";
import { sessionEntries } from "./revocations/sessions.ts";
import { UserRevocations } from "./revocations/users.ts";
import { GuardedStore } from "./store/guarded-store.ts";
import { LegacySessions } from "./store/legacy.ts";
import { StoreBackend } from "./store.ts";
import { LegacyFormat } from "./upgrade.ts";

/** What all backends of one `Sessions` are made of. */
export interface BackendParts {
  readonly context: CodecContext;
  readonly lifetimes: Lifetimes;
  readonly format: CookieFormat;
  readonly reader: CookieReader;
  readonly rules: SessionRules;
  readonly moments: Moments;
}

/** The backend of sessions that are in a store, or checked against one, or still read from an older cookie. */
export function createBackend(options: BackendOptions, parts: BackendParts): SessionBackend {
  const legacyFormats = (options.upgradeFrom ?? []).map((each) => new LegacyFormat(each, parts));
  const backend = backendOf(options, parts, legacyFormats);
  return legacyFormats.length === 0 ? backend : withLegacyCookies(backend, legacyFormats);
}

function backendOf(
  options: BackendOptions,
  { context, format, reader, rules, moments }: BackendParts,
  legacyFormats: readonly LegacyFormat[],
): SessionBackend {
  const { now } = context;
  const { store, revocations } = options;
  const { timeoutMs, stalenessMs } = storeTimes(options);
  const guarded = (given: Store): GuardedStore => new GuardedStore(given, timeoutMs);
  if (store !== undefined) {
    const rows = guarded(store);
    const users = new UserRevocations(rows, now);
    const queue = new KeyedQueue();
    const legacy = new LegacySessions(legacyFormats, sessionEntries(rows, now), users, now);
    return new StoreBackend({ ...context, store: rows, users, queue, reader, rules, legacy, moments });
  }
  const findLegacySession: FindLegacySession = (...asked) => {
    for (const legacy of legacyFormats) {
      const record = legacy.open(...asked);
      if (record !== null) return { record, until: legacy.isForeign ? legacy.until : record.endsAt };
    }
    return null;
  };
  const cookieParts = { format, reader, rules, findLegacySession };
  if (revocations === undefined) return cookieBackend(cookieParts);
  const rows = guarded("store" in revocations ? revocations.store : revocations);
  const remote = { table: sessionEntries(rows, now), users: new UserRevocations(rows, now), moments, stalenessMs };
  return new RevocableCookieBackend({ ...cookieParts, ...localMemory(), ...remote });
}

/** The backend, and beside its own lines those that delete what the browser has of older formats. */
function withLegacyCookies(backend: SessionBackend, legacyFormats: readonly LegacyFormat[]): SessionBackend {
  const around = (handle: SessionHandle): SessionHandle => ({
    load: () => handle.load(),
    flush: (state) => handle.flush(state),
    save(state) {
      const lines = handle.save(state);
      const all = (own: string[]): string[] => [
        ...own,
        ...legacyFormats.flatMap((legacy) => legacy.extraCookies(state, own)),
      ];
      return isPromise(lines) ? lines.then(all) : all(lines);
    },
  });
  return {
    open(request, cookie) {
      const handle = backend.open(request, cookie);
      return isPromise(handle) ? handle.then(around) : around(handle);
    },
    list: (userId, given) => backend.list(userId, given),
    revoke: (id, given) => backend.revoke(id, given),
    revokeUser: (userId, given) => backend.revokeUser(userId, given),
    update: (id, change, given) => backend.update(id, change, given),
    count: () => backend.count(),
    prune: () => backend.prune(),
  };
}
