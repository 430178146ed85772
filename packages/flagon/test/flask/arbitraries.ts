import fc from "fast-check";
import { describeFloat, sortByCodePoint } from "./describe.ts";
import type { Description } from "./peer.ts";

const tags = [" di", " t", " b", " m", " u", " d"];

const string = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom(
    "",
    "\u0000\u001f\u007f\u0080",
    "\ud800",
    "a\udfffb",
    "\ufeff",
    "\u2028",
    '"\\/',
    "é",
    "😀",
    "NaN",
    "1.0",
  ),
);

const key = fc.oneof(
  { weight: 4, arbitrary: string },
  fc.constantFrom(
    ...tags,
    ...tags.map((tag) => `${tag}__`),
    " di__",
    " od",
    "__proto__",
    "constructor",
    "toString",
    "\uffff",
    "\u{10000}",
  ),
);

const int = fc.oneof(
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(10n ** 400n), max: 10n ** 400n }),
  fc.constantFrom(0n, 2n ** 53n, 2n ** 53n - 1n, -(2n ** 53n), 2n ** 63n, 2n ** 64n, 10n ** 1_000n),
);

export const float = fc.oneof(
  fc.double(),
  fc.integer().map((whole) => whole + 0),
  fc.constantFrom(
    1,
    -1,
    0,
    -0,
    1e16,
    1e15,
    1e-5,
    1e-4,
    123456789012345680,
    1e21,
    1e22,
    5e-324,
    1.7976931348623157e308,
    0.1,
    1e100,
  ),
);

const leaf: fc.Arbitrary<Description> = fc.oneof(
  fc.constantFrom(null, true, false),
  string,
  int.map((value) => ({ int: String(value) })),
  float.map(describeFloat),
  string.map((markup) => ({ markup })),
  fc.uint8Array({ maxLength: 16 }).map((bytes) => ({ bytes: Buffer.from(bytes).toString("base64") })),
  fc.uuid().map((uuid) => ({ uuid })),
  // Years 100 to 9999: what Python's e-mail dates can say.
  fc
    .integer({ min: Date.UTC(100, 0, 1) / 1_000, max: Date.UTC(9999, 11, 31, 23, 59, 59) / 1_000 })
    .map((datetime) => ({ datetime })),
);

function entries(
  value: fc.Arbitrary<Description>,
  names: fc.Arbitrary<string> = key,
): fc.Arbitrary<[string, Description][]> {
  return fc
    .uniqueArray(fc.tuple(names, value), { maxLength: 5, selector: ([name]) => name })
    .map((pairs) => sortByCodePoint(pairs));
}

const { value } = fc.letrec<{ value: Description }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "python", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 4, depthIdentifier: "python" }),
    fc.array(tie("value"), { maxLength: 4, depthIdentifier: "python" }).map((tuple) => ({ tuple })),
    entries(tie("value")).map((dict) => ({ dict })),
  ),
}));

/** Any value that a Flask session may hold. */
export const pythonValue: fc.Arbitrary<Description> = value;

const ownKeys = new Set(["_permanent", "_flashes", "_user_id", "_fresh", "_id", "_flagon"]);

/** Any session, but for the keys that Flask and Flask-Login own. */
export const pythonSession: fc.Arbitrary<{ dict: [string, Description][] }> = entries(
  pythonValue,
  key.filter((name) => !ownKeys.has(name)),
).map((dict) => ({ dict }));
