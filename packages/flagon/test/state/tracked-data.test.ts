import { deepStrictEqual } from "node:assert/strict";
import fc from "fast-check";
import { createSessions, type Flash } from "flagon";
import { describe, expect, test } from "vitest";
import type { SessionRecord } from "../../src/codec.ts";
import { valueText } from "../../src/formats/values.ts";
import { rebase } from "../../src/state/rebase.ts";
import { SessionState } from "../../src/state/session-state.ts";
import type { TrackedData } from "../../src/state/tracked-data.ts";
import { anyValue, objectOf, oddKeys } from "../arbitraries.ts";
import { Browser, type Data, SECRET } from "../browser.ts";
import { unrotated } from "../records.ts";

/** What a session does, said by a plain map and a plain list. */
interface Model {
  readonly data: Map<string, unknown>;
  flashes: Flash[];
}

type Step = (draft: TrackedData, model: Model) => void;

const anyKey = fc.constantFrom("a", "b", "c", ...oddKeys.slice(0, 4));
const anyCategory = fc.constantFrom("message", "error", "__proto__");
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(anyKey, anyValue).map(([key, value]) => (draft, { data }) => {
    draft.set(key, value);
    data.set(key, structuredClone(value));
  }),
  anyKey.map(
    (key) =>
      (draft, { data }) =>
        expect(draft.delete(key)).toBe(data.delete(key)),
  ),
  anyKey.map(
    (key) =>
      (draft, { data }) =>
        deepStrictEqual(draft.get(key), data.get(key)),
  ),
  anyKey.map(
    (key) =>
      (draft, { data }) =>
        expect(draft.has(key)).toBe(data.has(key)),
  ),
  fc.constant((draft, { data }) => {
    draft.clear();
    data.clear();
  }),
  fc.constant((draft, { data }) => expect(draft.keys().sort()).toEqual([...data.keys()].sort())),
  fc.tuple(anyKey, anyValue).map(([key, value]) => (draft, { data }) => {
    const returned = draft.update(key, (before) => [before, value]);
    const expected = [structuredClone(data.get(key)), structuredClone(value)];
    deepStrictEqual(returned, expected);
    data.set(key, expected);
  }),
  // Changed in place, in whatever way its kind has.
  fc.tuple(anyKey, anyValue).map(([key, value]) => (draft, { data }) => {
    change(draft.get(key), value);
    change(data.get(key), structuredClone(value));
  }),
  fc.tuple(anyCategory, fc.string({ maxLength: 3 })).map(([category, message]) => (draft, model) => {
    draft.flash({ message, category });
    model.flashes.push({ message, category });
  }),
  fc.tuple(fc.option(anyCategory, { nil: undefined }), fc.boolean()).map(([category, take]) => (draft, model) => {
    const isWanted = (flash: Flash): boolean => category === undefined || flash.category === category;
    expect(draft.flashes(category, take)).toEqual(model.flashes.filter(isWanted));
    if (take) model.flashes = model.flashes.filter((flash) => !isWanted(flash));
  }),
];

function change(value: unknown, by: unknown): void {
  if (Array.isArray(value)) value.push(by);
  else if (value instanceof Map) value.set("changed", by);
  else if (value instanceof Set) value.add("changed");
  else if (value instanceof Date) value.setTime(5);
  else if (value instanceof Uint8Array) value.fill(9);
  else if (isObject(value))
    Object.defineProperty(value, "changed", { value: by, enumerable: true, configurable: true, writable: true });
}

const anyFlashes = fc.array(fc.record({ message: fc.string({ maxLength: 3 }), category: anyCategory }), {
  maxLength: 4,
});
const anyBase = fc.uniqueArray(fc.tuple(anyKey, anyValue), { selector: ([key]) => key, maxLength: 4 });

describe("a draft", () => {
  test("does what a plain map and a plain list do, whatever is done to it", () => {
    fc.assert(
      fc.property(anyBase, anyFlashes, fc.array(fc.oneof(...steps), { maxLength: 30 }), (entries, flashes, acts) => {
        const base = { data: Object.fromEntries(structuredClone(entries)), flashes: structuredClone(flashes) };
        const draft = stateOf(base);
        const model: Model = { data: new Map(structuredClone(entries)), flashes: structuredClone(flashes) };
        for (const act of acts) act(draft, model);
        const result = draft.record;
        deepStrictEqual(new Map(Object.entries(result.data)), sortedLike(model.data, Object.keys(result.data)));
        expect(result.flashes).toEqual(model.flashes);
        expect(Object.getPrototypeOf(result.data)).toBe(Object.prototype);
      }),
      { numRuns: 2_000 },
    );
  });

  test("is changed when what it leaves is not what it found, and not by looking", () => {
    fc.assert(
      fc.property(anyBase, anyFlashes, (entries, flashes) => {
        const draft = stateOf({ data: Object.fromEntries(entries), flashes });
        for (const key of draft.keys()) draft.get(key);
        draft.flashes(undefined, false);
        draft.delete("not there");
        expect(draft.isDataChanged).toBe(false);
        expect(draft.changedKeys()).toEqual([]);
      }),
    );
  });

  test("laid over newer data changes the keys that it changed, and no other", () => {
    fc.assert(
      fc.property(objectOf(anyValue), objectOf(anyValue), objectOf(anyValue), (base, newer, sets) => {
        const state = stateOf({ data: structuredClone(base), flashes: [] });
        for (const [key, value] of Object.entries(sets)) state.set(key, value);
        const data = rebase(state, { ...state.record, data: structuredClone(newer) }).data;
        const expected = Object.fromEntries([...Object.entries(newer), ...Object.entries(sets)]);
        deepStrictEqual(data, expected);
      }),
      { numRuns: 500 },
    );
  });
});

/** The state of a request that came with this. */
function stateOf(contents: Pick<SessionRecord, "data" | "flashes">): SessionState {
  const times = { createdAt: 1, authenticatedAt: null, renewedAt: 1 };
  const record = { ...unrotated, id: "AAAAAAAAAAAAAAAAAAAAAA", permanent: false, userId: null, ...times, ...contents };
  const request = { method: "GET", url: "http://localhost/", header: () => null };
  const limits = { expiresAt: () => 2, absoluteEnd: () => 3 };
  const rules = {
    now: () => 1,
    ...limits,
    print: valueText,
    schema: null,
    csrfMacs: () => [],
    idAfter: (id: string) => id,
  };
  return new SessionState(request, rules, { load: () => ({ record }), save: () => [], flush: () => {} }, 1);
}

function sortedLike(map: ReadonlyMap<string, unknown>, keys: readonly string[]): Map<string, unknown> {
  expect([...map.keys()].sort()).toEqual([...keys].sort());
  return new Map(keys.map((key) => [key, map.get(key)]));
}

test("a session's data comes back exactly as it was put in, through a real cookie", () => {
  const small = objectOf(anyValue, 3);
  fc.assert(
    fc.property(small, (data) => {
      fc.pre(JSON.stringify(valueText("data", data)).length < 2_500);
      const browser = new Browser(createSessions<Data>({ secret: SECRET }));
      browser.visit((session) => {
        for (const [key, value] of Object.entries(data)) session.set(key, value);
      });
      const session = browser.open();
      deepStrictEqual(Object.fromEntries(session.entries()), data);
      // The memory for verified cookies gives the same as the cookie itself.
      const fresh = new Browser(createSessions<Data>({ secret: SECRET }));
      for (const [name, value] of browser.cookies) fresh.cookies.set(name, value);
      deepStrictEqual(Object.fromEntries(fresh.open().entries()), data);
    }),
    { numRuns: 500 },
  );
});
