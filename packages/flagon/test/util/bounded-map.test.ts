import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoundedMap } from "../../src/util/bounded-map.ts";

/** How many of the keys 0 … n - 1 are still known. */
function known(map: BoundedMap<number, string>, n: number): number {
  let count = 0;
  for (let key = 0; key < n; key++) if (map.get(key) !== undefined) count++;
  return count;
}

describe("BoundedMap", () => {
  test.each([0, 1, 2, 3, 10, 11, 1_000])("never holds more than %d, however many are put in", (limit) => {
    const map = new BoundedMap<number, string>(limit);
    for (let key = 0; key < 5_000; key++) map.set(key, `value ${key}`);
    expect(known(map, 5_000)).toBeLessThanOrEqual(limit);
  });

  test.each([2, 3, 10, 1_000])("of %d, holds at least the younger half", (limit) => {
    const map = new BoundedMap<number, string>(limit);
    for (let key = 0; key < 5_000; key++) {
      map.set(key, `value ${key}`);
      expect(map.get(key)).toBe(`value ${key}`);
    }
    for (let key = 5_000 - Math.floor(limit / 2); key < 5_000; key++) expect(map.get(key)).toBe(`value ${key}`);
  });

  test("keeps what is asked for while others come and go", () => {
    const map = new BoundedMap<string, string>(10);
    map.set("visitor", "kept");
    for (let key = 0; key < 5_000; key++) {
      map.set(`stranger ${key}`, "x");
      if (key % 3 === 0) expect(map.get("visitor")).toBe("kept");
    }
  });

  test("never answers with anything but the last value that was set", () => {
    const step = fc.tuple(fc.constantFrom("set", "get"), fc.integer({ min: 0, max: 12 }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const map = new BoundedMap<number, number>(limit);
        const last = new Map<number, number>();
        steps.forEach(([act, key], index) => {
          if (act === "set") {
            map.set(key, index);
            last.set(key, index);
          } else {
            const value = map.get(key);
            if (value !== undefined) expect(value).toBe(last.get(key));
          }
        });
      }),
    );
  });
});
