import { createSessions, type SessionOptions, type Sessions, type Store, sealed } from "flagon";
import { DAY, type Data, NOON, SECRET } from "../browser.ts";

/** Where the sessions live; "moving": in sealed cookies, before an app that keeps them in a store from now on. */
export type Place = "store" | "revocations" | "cookie" | "moving";

/** What a process remembers, as `src/util/process-memory.ts` keeps it. */
const memory: unique symbol = Symbol.for("flagon.memory.v1") as never;

/** The sessions of a process that remembers nothing of the others. */
export function newProcess(place: Place, store: Store, now: () => number): Sessions<Data> {
  (globalThis as { [memory]?: Map<string, object> })[memory]?.clear();
  const options: SessionOptions<Data> = { secret: SECRET, now };
  if (place === "cookie") return createSessions<Data>(options);
  const lasting = { ...options, storeTimeout: "1d" } as const;
  if (place === "revocations") return createSessions<Data>({ ...lasting, revocations: { store, staleness: 0 } });
  const upgradeFrom = place === "moving" ? [{ codec: sealed, until: new Date(NOON + DAY) }] : [];
  return createSessions<Data>({ ...lasting, store, upgradeFrom });
}
