import type { Flash, SessionRecord } from "../codec.ts";
import { setOwn } from "../formats/values.ts";
import { IDENTITY_KEY, type SessionIdentity } from "./session-identity.ts";
import { copyNotes, taggedText } from "./tagged-json.ts";
import { Markup, Tuple, tuple, Uuid } from "./value-types.ts";

type Values = Record<string, unknown>;

/** Keys of Flask's session that stand for something of Flagon's own, and are no data here. */
const ownKeys: ReadonlyMap<string, string> = new Map([
  ["_permanent", "session.permanent"],
  ["_flashes", "session.flash() and session.flashes()"],
  ["_user_id", "session.login(), session.logout() and session.userId"],
  ["_fresh", "session.login() and session.isFresh()"],
  ["_id", "session.login()"],
  [IDENTITY_KEY, "session.id and session.rotate()"],
]);

/** Throws a `TypeError` for a key that stands for something of Flagon's own: setting `_user_id` would sign somebody in. */
export function refuseOwnKey(key: string): void {
  const instead = ownKeys.get(key);
  if (instead === undefined) return;
  const owner = key === IDENTITY_KEY ? "Flagon" : "Flask";
  throw new TypeError(`session key ${JSON.stringify(key)} is ${owner}'s own; use ${instead}`);
}

/** Flask's session, taken apart. */
export interface Parts {
  /** The {@link ownKeys} as they stand in the cookie. */
  readonly raw: Values;
  readonly data: Values;
  readonly flashes: readonly Flash[];
  readonly userId: string | null;
}

export function splitFields(values: Values): Parts {
  const raw: Values = {};
  const data: Values = {};
  for (const key of Object.keys(values)) setOwn(ownKeys.has(key) ? raw : data, key, values[key]);
  copyNotes(values, raw);
  copyNotes(values, data);
  return { raw, data, flashes: readFlashes(raw._flashes), userId: readUserId(raw._user_id) };
}

/** The cookie that a session was read from. */
export interface OpenedCookie {
  readonly payload: string;
  /** As the record has it. */
  readonly identity: SessionIdentity;
  /** The id that Flagon's first write gives the session; null where the cookie says which one it has. */
  readonly newId: string | null;
}

/** `SessionRecord.native` of a session from Flask: what was read, so that what nobody changes goes back as it came. */
export class FlaskNative {
  readonly parts: Parts;
  /** Null for a session that the remember cookie began. */
  readonly cookie: OpenedCookie | null;
  /** Whom the request named: `_user_id`, or else the remember cookie. */
  readonly userId: string | null;
  /** Whether the session is to be written although nobody changes it. */
  readonly isRenewalDue: boolean;
  /** Whether `_fresh` is to go back as it came, since this request can't tell. */
  readonly keepsFresh: boolean;
  /** Whether the remember cookie goes when the session is written. */
  readonly forgets: boolean;

  constructor(parts: Parts, more: Partial<Omit<FlaskNative, "parts">> = {}) {
    this.parts = parts;
    this.cookie = more.cookie ?? null;
    this.userId = more.userId ?? parts.userId;
    this.isRenewalDue = more.isRenewalDue ?? false;
    this.keepsFresh = more.keepsFresh ?? false;
    this.forgets = more.forgets ?? false;
  }

  from(cookie: OpenedCookie): FlaskNative {
    return new FlaskNative(this.parts, { ...this, cookie });
  }

  static of(record: SessionRecord): FlaskNative | null {
    return record.native instanceof FlaskNative ? record.native : null;
  }
}

/** The session as Flask is to see it. `identify` makes the `_id` of a new login; null for none. */
export function joinFields(record: SessionRecord, identify: () => string | null): Values {
  const native = FlaskNative.of(record);
  const values: Values = {};
  for (const key of Object.keys(record.data)) {
    refuseOwnKey(key);
    setOwn(values, key, record.data[key]);
  }
  Object.assign(values, generalValues(record, native), loginValues(record, native, identify));
  if (native !== null) copyNotes(native.parts.data, values);
  return values;
}

function generalValues({ permanent, flashes }: SessionRecord, native: FlaskNative | null): Values {
  const raw = native?.parts.raw ?? {};
  const opened = native?.parts.flashes ?? [];
  const isUnchanged = flashes.length === opened.length && flashes.every((flash, index) => flash === opened[index]);
  const values = isUnchanged ? pick(raw, "_flashes") : {};
  if (!isUnchanged && flashes.length > 0) values._flashes = flashes.map(writeFlash);
  if (Boolean(raw._permanent) === permanent) return { ...values, ...pick(raw, "_permanent") };
  return { ...values, _permanent: permanent };
}

function loginValues(record: SessionRecord, native: FlaskNative | null, identify: () => string | null): Values {
  const { userId } = record;
  const raw = native?.parts.raw ?? {};
  if (userId === null) return pick(raw, "_user_id", "_fresh", "_id");
  if (record.authenticatedAt !== null || native?.userId !== userId) {
    const id = identify();
    return { _user_id: userId, _fresh: true, ...(id === null ? {} : { _id: id }) };
  }
  // Named by the remember cookie: what Flask-Login stores then.
  if (native.parts.userId !== userId) return { ...pick(raw, "_id"), _user_id: userId, _fresh: false };
  const isFreshKept = native.keepsFresh || (raw._fresh === true) === (record.fresh === true);
  return { ...pick(raw, "_user_id", "_id", "_fresh"), ...(isFreshKept ? {} : { _fresh: record.fresh === true }) };
}

function pick(raw: Values, ...keys: string[]): Values {
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(raw, key)).map((key) => [key, raw[key]]));
}

/** What Flask-Login keeps is what the app's `get_id` gave: text nearly always, a number in some apps. */
function readUserId(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  return typeof value === "bigint" || Number.isSafeInteger(value) ? String(value) : null;
}

/** The entry of `_flashes` that a flash was made of: its message may be Markup, or no text at all. */
const entries: WeakMap<Flash, unknown> = new WeakMap();

function readFlashes(value: unknown): Flash[] {
  const flashes: Flash[] = [];
  for (const entry of Array.isArray(value) ? (value as unknown[]) : []) {
    if (!Array.isArray(entry) || entry.length !== 2) continue;
    const flash = { message: textOf(entry[1]), category: textOf(entry[0]) };
    entries.set(flash, entry);
    flashes.push(flash);
  }
  return flashes;
}

function writeFlash(flash: Flash): unknown {
  return entries.get(flash) ?? tuple(flash.category, flash.message);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Markup || value instanceof Uuid ? value.toString() : taggedText("_flashes", value);
}

/** Data in kinds that Flagon's own formats know: a Tuple becomes an array, Markup and a Uuid their text. */
export function toPlainValues(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  if (value instanceof Markup || value instanceof Uuid) return value.toString();
  if (value instanceof Tuple || Array.isArray(value)) return Array.from(value, toPlainValues);
  const converted: Values = {};
  for (const [key, inner] of Object.entries(value)) setOwn(converted, key, toPlainValues(inner));
  return converted;
}
