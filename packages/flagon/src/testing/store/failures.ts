import type { Store } from "../../store.ts";
import { rejection } from "../check.ts";
import type { StoreCase, StoreConformanceOptions, StoreFixture } from "./fixture.ts";

/** "Not there" and "can't say" are different answers: a store that mixes them signs everybody out when its engine restarts. */
export function storeFailureCases(options: StoreConformanceOptions): StoreCase[] {
  if (options.makeBroken === undefined) return [];
  // What an engine does by itself can't fail here.
  return options.expiresByItself === true ? cases.filter((each) => each !== pruning) : [...cases];
}

const pruning = failing("deleteExpired", (store, bench) => store.deleteExpired(bench.time));

const cases: readonly StoreCase[] = [
  failing("read", (store, bench) => store.read(bench.name())),
  {
    name: "readMany rejects when the engine does not answer, and says nothing about the sessions",
    test: async (bench) => {
      const store = await bench.broken();
      if (store.readMany !== undefined) await rejection(store.readMany([bench.name(), bench.name()]), "readMany");
    },
  },
  failing("create", (store, bench) => store.create(bench.session())),
  failing("create for a user", (store, bench) => store.create(bench.session({ userId: bench.name("user") }))),
  failing("replace", (store, bench) => store.replace(bench.session({ version: 2 }), 1)),
  failing("touch", (store, bench) => store.touch(bench.name(), { expiresAt: bench.time + 1, lastSeenAt: bench.time })),
  failing("delete", (store, bench) => store.delete(bench.name())),
  failing("list", (store, bench) => store.list(bench.name("user"))),
  pruning,
];

function failing(method: string, call: (store: Store, bench: StoreFixture) => Promise<unknown>): StoreCase {
  return {
    name: `${method} rejects when the engine does not answer, and says nothing about the session`,
    test: async (bench) => {
      const store = await bench.broken();
      await rejection(call(store, bench), method);
    },
  };
}
