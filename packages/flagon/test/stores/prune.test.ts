import { sqliteStore } from "flagon/sqlite";
import { afterEach, describe, expect, test, vi } from "vitest";
import { pruneNowAndThen } from "../../src/stores/shared/prune.ts";
import { storedSession } from "./stored-session.ts";

const MINUTE_MS = 60_000;
let time = 0;

/** The process's clock, moved by hand. */
function holdClock(): void {
  time = 1;
  vi.spyOn(performance, "now").mockImplementation(() => time);
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

afterEach(() => {
  vi.restoreAllMocks();
});

describe("pruning by itself", () => {
  test("begins with a write about every interval, at a moment of each process's own, and never twice at once", async () => {
    holdClock();
    let running = 0;
    let finish = (): void => {};
    const prune = vi.fn(async () => {
      expect(++running).toBe(1);
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      running--;
    });
    const wrote = pruneNowAndThen("15m", prune);
    wrote();
    time += 7 * MINUTE_MS;
    wrote();
    expect(prune).not.toHaveBeenCalled();
    time += 16 * MINUTE_MS;
    wrote();
    wrote();
    time += 60 * MINUTE_MS;
    wrote();
    expect(prune).toHaveBeenCalledTimes(1);
    finish();
    await settled();
    wrote();
    expect(prune).toHaveBeenCalledTimes(1);
    time += 23 * MINUTE_MS;
    wrote();
    expect(prune).toHaveBeenCalledTimes(2);
  });

  test("is told of once when it fails, and tried again", async () => {
    holdClock();
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const prune = vi.fn(() => Promise.reject(new Error("read-only")));
    const wrote = pruneNowAndThen(60, prune);
    for (let n = 0; n < 4; n++) {
      wrote();
      await settled();
      time += 2 * MINUTE_MS;
    }
    expect(prune).toHaveBeenCalledTimes(3);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining("read-only"),
      expect.objectContaining({ code: "FLAGON_PRUNE" }),
    );
  });

  test("is left to others with false", () => {
    holdClock();
    const prune = vi.fn(async () => 0);
    const wrote = pruneNowAndThen(false, prune);
    wrote();
    time += 9_999 * MINUTE_MS;
    wrote();
    expect(prune).not.toHaveBeenCalled();
  });

  test("removes expired rows of an SQLite file when somebody writes", async () => {
    holdClock();
    let now = 0;
    const store = sqliteStore(":memory:", { now: () => now, prune: "1m" });
    const count = async (): Promise<number> => store.deleteExpired(0).then(async () => (await store.list("u")).length);
    await store.create(storedSession({ id: "old", userId: "u", expiresAt: 10 }));
    now = 20;
    time += 2 * MINUTE_MS;
    await store.create(storedSession({ id: "new", userId: "u", expiresAt: 1_000 }));
    await settled();
    now = 0;
    expect(await store.read("old")).toBeNull();
    expect(await count()).toBe(1);
    store.close();
  });

  test.each(["soon", 0, -1])("takes no %j for an interval", (interval) => {
    expect(() => sqliteStore(":memory:", { prune: interval as never })).toThrow(/prune must be a time/);
  });
});
