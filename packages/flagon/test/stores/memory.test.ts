import { memoryStore } from "flagon/memory";
import { storeConformance } from "flagon/testing";
import { afterEach, describe, expect, test, vi } from "vitest";
import { storedSession } from "./stored-session.ts";

describe("memoryStore keeps the contract of a store", () => {
  for (const { name, run } of storeConformance(memoryStore)) test(name, run);
});

describe("memoryStore", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("holds no more than max rows: the one that was written longest ago goes", async () => {
    const store = memoryStore({ max: 3, now: () => 0 });
    for (const id of ["a", "b", "c"]) await store.create(storedSession({ id, userId: "u" }));
    await store.touch("a", { expiresAt: 2_000_000, lastSeenAt: 1 });
    await store.create(storedSession({ id: "d", userId: "u" }));
    expect((await store.list("u")).map(({ id }) => id).sort()).toEqual(["a", "c", "d"]);
    expect(await store.read("b")).toBeNull();
  });

  test("lets expired rows go as new ones come, without deleteExpired and without a timer", async () => {
    let time = 0;
    const store = memoryStore({ now: () => time });
    for (let n = 0; n < 1000; n++) await store.create(storedSession({ id: `old ${n}`, expiresAt: 1 }));
    time = 1;
    for (let n = 0; n < 1000; n++) await store.create(storedSession({ id: `new ${n}` }));
    expect(await store.deleteExpired(time)).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN])("throws a TypeError for max %s", (max) => {
    expect(() => memoryStore({ max })).toThrow(TypeError);
  });

  test("says once in production that it is for one process, and nothing elsewhere", () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    memoryStore();
    expect(warn).not.toHaveBeenCalled();
    vi.stubEnv("NODE_ENV", "production");
    memoryStore();
    memoryStore();
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.calls[0]?.[1]).toMatchObject({ code: "FLAGON_MEMORY_STORE" });
  });
});
