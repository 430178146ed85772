import type { Flash, SessionRecord } from "flagon";
import { describe, expect, test } from "vitest";
import { decodeHead, decodeRecord, encodeRecord } from "../../src/formats/record-bytes.ts";
import { NOON } from "../browser.ts";
import { unrotated } from "../records.ts";

function readBack(flashes: unknown): readonly Flash[] {
  const record: SessionRecord = {
    id: "AAAAAAAAAAAAAAAAAAAAAA",
    ...unrotated,
    permanent: false,
    createdAt: NOON,
    authenticatedAt: null,
    renewedAt: NOON,
    userId: null,
    data: {},
    // Whoever calls flash() from JavaScript has no types to hold them.
    flashes: flashes as Flash[],
  };
  const plaintext = decodeHead(encodeRecord(record));
  return plaintext === null ? [] : decodeRecord(plaintext).flashes;
}

describe("a flash that is no text", () => {
  test.each<[what: string, message: unknown, category: unknown, readMessage: unknown, readCategory: unknown]>([
    ["undefined", undefined, undefined, null, null],
    ["null", null, null, null, null],
    ["a number", 7, 7, 7, 7],
    ["no number", Number.NaN, Number.POSITIVE_INFINITY, null, null],
    ["a list", [1, [2]], [], [1, [2]], []],
    ["an object", { error: "no" }, {}, { error: "no" }, {}],
    ["a function", () => {}, Symbol("error"), null, null],
    ["a date", new Date(0), new Map([[1, 2]]), "1970-01-01T00:00:00.000Z", {}],
  ])("%s is no error at the next request, nor are the others lost", (_what, message, category, ...read) => {
    const good = { message: "Saved", category: "success" };
    expect(readBack([good, { message, category }, good])).toEqual([
      good,
      { message: read[0], category: read[1] },
      good,
    ]);
  });
});
