import type { Store } from "../store.ts";
import { CookieHome } from "./cookie-home.ts";
import { GuardedStore } from "./guarded-store.ts";
import type { Home } from "./home.ts";
import { RevocableHome } from "./revocable-home.ts";
import { Revocations } from "./revocations.ts";
import { StoreHome, type StoreParts } from "./store-home.ts";

/** What the homes with a store are made of, before the store is guarded. */
export interface ServerParts extends Omit<StoreParts, "store" | "revocations"> {
  readonly store: Store;
  readonly timeoutMs: number;
}

/** Sessions are rows in the store. */
export function storeHome(parts: ServerParts): Home {
  const store = new GuardedStore(parts.store, parts.timeoutMs);
  return new StoreHome({ ...parts, store, revocations: new Revocations(store, parts.now, parts.longestLifetimeMs) });
}

/** Sessions are in their cookies, and the store knows which ones were ended. */
export function revocableHome(
  { store, timeoutMs, opener, upgrades, ...parts }: ServerParts,
  stalenessMs: number,
): Home {
  const guarded = new GuardedStore(store, timeoutMs);
  const revocations = new Revocations(guarded, parts.now, parts.longestLifetimeMs);
  return new RevocableHome(new CookieHome(opener, upgrades, parts.now), revocations, stalenessMs);
}
