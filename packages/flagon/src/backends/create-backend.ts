import type { CodecContext, CookieFormat, CookieReader } from "../codec.ts";
import { type BackendOptions, storeTimes } from "../options.ts";
import type { Lifetimes } from "../state/lifetime.ts";
import type { SessionHandle } from "../state/session-state.ts";
import type { Store } from "../store.ts";
import { isPromise } from "../util/promise.ts";
import type { SessionBackend } from "./backend.ts";
import { cookieBackend, type FindLegacySession } from "./cookie.ts";
import { RevocableCookieBackend } from "./revocable-cookie.ts";
import { Revocations } from "./revocations/sessions.ts";
import { GuardedStore } from "./store/guarded-store.ts";
import { StoreBackend } from "./store.ts";
import { Upgrade } from "./upgrade.ts";

/** What all backends of one `Sessions` are made of. */
export interface BackendParts {
  readonly context: CodecContext;
  readonly lifetimes: Lifetimes;
  readonly format: CookieFormat;
  readonly opener: CookieReader;
}

/** The backend of sessions that are in a store, or checked against one, or still read from an older cookie. */
export function createBackend(options: BackendOptions, parts: BackendParts): SessionBackend {
  const upgrades = (options.upgradeFrom ?? []).map((each) => new Upgrade(each, parts.context, parts.lifetimes));
  const backend = backendOf(options, parts, upgrades);
  return upgrades.length === 0 ? backend : withLegacyCookies(backend, upgrades);
}

function backendOf(
  options: BackendOptions,
  { context, format, opener }: BackendParts,
  upgrades: readonly Upgrade[],
): SessionBackend {
  const { now, longestLifetimeMs } = context;
  const { store, revocations } = options;
  const { timeoutMs, stalenessMs } = storeTimes(options);
  const guarded = (given: Store): GuardedStore => new GuardedStore(given, timeoutMs);
  if (store !== undefined) {
    const rows = guarded(store);
    const revocations = new Revocations(rows, now, longestLifetimeMs);
    return new StoreBackend({ ...context, store: rows, revocations, opener, upgrades });
  }
  const findLegacySession: FindLegacySession = (...asked) => {
    for (const upgrade of upgrades) {
      const record = upgrade.open(...asked);
      if (record !== null) return record;
    }
    return null;
  };
  const cookies = cookieBackend({ format, opener, now, findLegacySession });
  if (revocations === undefined) return cookies;
  const ends = new Revocations(
    guarded("store" in revocations ? revocations.store : revocations),
    now,
    longestLifetimeMs,
  );
  return new RevocableCookieBackend(cookies, ends, now, stalenessMs);
}

/** The backend, and beside its own lines those that delete what the browser has of older formats. */
function withLegacyCookies(backend: SessionBackend, upgrades: readonly Upgrade[]): SessionBackend {
  const around = (handle: SessionHandle): SessionHandle => ({
    load: () => handle.load(),
    announce: (id, from) => handle.announce?.(id, from),
    save(state) {
      const lines = handle.save(state);
      const all = (own: string[]): string[] => [
        ...own,
        ...upgrades.flatMap((upgrade) => upgrade.extraCookies(state, own)),
      ];
      return isPromise(lines) ? lines.then(all) : all(lines);
    },
  });
  return {
    open(request, jar) {
      const handle = backend.open(request, jar);
      return isPromise(handle) ? handle.then(around) : around(handle);
    },
    list: (userId, given) => backend.list(userId, given),
    revoke: (id) => backend.revoke(id),
    revokeUser: (userId, given) => backend.revokeUser(userId, given),
    prune: () => backend.prune(),
  };
}
