import { createSessions } from "flagon";
import { store as inRedis } from "./redis-store.ts";
import { store as inMemory } from "./store.ts";

declare global {
  var flagonClock: { aheadMs: number } | undefined;
}

const secret = "only for the tests of the adapters: Jx4mQz8VnB2sWc6T";
const now = (): number => Date.now() + (globalThis.flagonClock?.aheadMs ?? 0);

interface Data {
  cart?: string;
}

/** Made anew in each copy of this module, as in any app. */
export const all = {
  sealed: createSessions<Data>({ secret, now, cookie: { name: "sealed" } }),
  memory: createSessions<Data>({ secret, now, cookie: { name: "memory" }, store: inMemory }),
  redis: createSessions<Data>({ secret, now, cookie: { name: "redis" }, store: inRedis }),
};
export type Kind = keyof typeof all;

export function kindOf(url: string): Kind {
  return new URL(url).searchParams.get("kind") as Kind;
}

/** Which copy of the module this is. */
export const copy: string = crypto.randomUUID();
