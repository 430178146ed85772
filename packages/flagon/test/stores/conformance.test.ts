import { memoryStore } from "flagon/memory";
import { type StoreConditions, storeConformance } from "flagon/testing";
import { describe, expect, test } from "vitest";
import type { Store } from "../../src/store.ts";
import { brokenStores } from "./broken-stores.ts";

describe("the suite fails a store where", () => {
  test.each(Object.entries(brokenStores))("%s", async (_name, makeStore) => {
    expect(await failures(storeConformance(makeStore))).not.toEqual([]);
  });

  test("a store that is down says null, false or nothing", async () => {
    const makeBroken = () => memoryStore();
    const failed = await failures(storeConformance(memoryStore, { makeBroken }));
    expect(failed).toHaveLength(9);
    expect(failed.every((name) => name.includes("when the engine does not answer"))).toBe(true);
  });

  test("a second process has rows of its own", async () => {
    const failed = await failures(
      storeConformance(memoryStore, { makePeer: (_store, conditions) => memoryStore(conditions) }),
    );
    expect(failed).not.toEqual([]);
  });
});

test("the suite passes a sound store, and closes what it made", async () => {
  let open = 0;
  const cases = storeConformance(
    (conditions) => {
      open++;
      return memoryStore(conditions);
    },
    { close: () => void open-- },
  );
  expect(await failures(cases)).toEqual([]);
  expect(open).toBe(0);
});

test("the suite passes a store without readMany, which the contract leaves to it", async () => {
  const withoutMany = (conditions: StoreConditions): Store => {
    const { readMany: _readMany, ...store } = memoryStore(conditions);
    return store;
  };
  expect(await failures(storeConformance(withoutMany))).toEqual([]);
});

async function failures(cases: ReturnType<typeof storeConformance>): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of cases) await run().catch(() => failed.push(name));
  return failed;
}
