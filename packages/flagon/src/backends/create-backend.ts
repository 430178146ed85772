import type { CodecContext, CookieFormat, CookieOpener } from "../codec.ts";
import { isPromise } from "../http/headers.ts";
import { type BackendOptions, storeTimes } from "../options.ts";
import type { Lifetimes } from "../state/lifetime.ts";
import type { Store } from "../store.ts";
import type { Home, Stay } from "./backend.ts";
import { cookieHome, type FindOld } from "./cookie.ts";
import { RevocableHome } from "./revocable-cookie.ts";
import { Revocations } from "./revocations/sessions.ts";
import { GuardedStore } from "./store/guarded-store.ts";
import { StoreHome } from "./store.ts";
import { Upgrade } from "./upgrade.ts";

/** What all homes of one `Sessions` are made of. */
export interface HomeParts {
  readonly context: CodecContext;
  readonly lifetimes: Lifetimes;
  readonly format: CookieFormat;
  readonly opener: CookieOpener;
}

/** The home of sessions that are in a store, or checked against one, or still read from an older cookie. */
export function serverHome(options: BackendOptions, parts: HomeParts): Home {
  const upgrades = (options.upgradeFrom ?? []).map((each) => new Upgrade(each, parts.context, parts.lifetimes));
  const home = homeOf(options, parts, upgrades);
  return upgrades.length === 0 ? home : besideOldCookies(home, upgrades);
}

function homeOf(options: BackendOptions, { context, format, opener }: HomeParts, upgrades: readonly Upgrade[]): Home {
  const { now, longestLifetimeMs } = context;
  const { store, revocations } = options;
  const { timeoutMs, stalenessMs } = storeTimes(options);
  const guarded = (given: Store): GuardedStore => new GuardedStore(given, timeoutMs);
  if (store !== undefined) {
    const rows = guarded(store);
    const revocations = new Revocations(rows, now, longestLifetimeMs);
    return new StoreHome({ ...context, store: rows, revocations, opener, upgrades });
  }
  const findOld: FindOld = (...asked) => {
    for (const upgrade of upgrades) {
      const record = upgrade.open(...asked);
      if (record !== null) return record;
    }
    return null;
  };
  const cookies = cookieHome({ format, opener, now, findOld });
  if (revocations === undefined) return cookies;
  const ends = new Revocations(
    guarded("store" in revocations ? revocations.store : revocations),
    now,
    longestLifetimeMs,
  );
  return new RevocableHome(cookies, ends, now, stalenessMs);
}

/** The home, and beside its own lines those that delete what the browser has of older formats. */
function besideOldCookies(home: Home, upgrades: readonly Upgrade[]): Home {
  const around = (stay: Stay): Stay => ({
    load: () => stay.load(),
    announce: (id, from) => stay.announce?.(id, from),
    save(visit) {
      const lines = stay.save(visit);
      const all = (own: string[]): string[] => [
        ...own,
        ...upgrades.flatMap((upgrade) => upgrade.linesBeside(visit, own)),
      ];
      return isPromise(lines) ? lines.then(all) : all(lines);
    },
  });
  return {
    open(request, jar) {
      const stay = home.open(request, jar);
      return isPromise(stay) ? stay.then(around) : around(stay);
    },
    list: (userId, given) => home.list(userId, given),
    revoke: (id) => home.revoke(id),
    revokeUser: (userId, given) => home.revokeUser(userId, given),
    prune: () => home.prune(),
  };
}
