import type {
  CookieFormat,
  CookieReader,
  CsrfGround,
  Flash,
  OpenRequest,
  RejectRecord,
  SessionRecord,
} from "../codec.ts";
import { Buffer } from "../crypto/bytes.ts";
import type { RejectReason } from "../errors.ts";
import { SessionError } from "../errors.ts";
import { emit } from "../events.ts";
import { COOKIE_BYTES_MAX } from "../http/cookie.ts";
import { readCookies } from "../http/cookie-header.ts";
import type { FlaskLogin, LoginState } from "./flask-login.ts";
import { createIdentifier } from "./identifier.ts";
import { readPayload, TEXT_BYTES_MAX, writePayload } from "./payload.ts";
import { Unreadable } from "./python-json.ts";
import { identityToWrite, newIdOfShared, newRecord, toRecord } from "./record.ts";
import { FlaskNative, joinFields, type Parts, refuseOwnKey, splitFields, toPlainValues } from "./session-fields.ts";
import { IDENTITY_KEY, identityOf, randomId, readIdentity, standIn, writeIdentity } from "./session-identity.ts";
import { readTagged, taggedText, writeTagged } from "./tagged-json.ts";
import type { TimedSigner, Unsigned } from "./timed-signer.ts";

/**
 * How far in the past a cookie is stamped, in seconds: Flask refuses one from the future, and the clock of its machine may
 * be a little behind.
 */
const STAMP_BACK_SECONDS = 2;

/** So often may equal cookies of visitors be ended before one that comes again is called something new each time. */
const STAND_INS_MAX = 16;

/** Kept for a session that a token was asked for and that holds nothing else: Flask has no empty sessions. */
const CSRF_KEY = "_csrf";

export interface FlaskFormatOptions {
  readonly signer: TimedSigner;
  readonly login: FlaskLogin | null;
  readonly maxAgeSeconds: number;
  readonly refreshEachRequest: boolean;
  readonly now: () => number;
}

/** Flask's session cookie (flask/sessions.py, `SecureCookieSessionInterface`). Signed, not encrypted. */
export class FlaskFormat implements CookieFormat {
  /** The first cookie of the name counts, as for Flask; without a session in it, Flask-Login's `remember_token` does. */
  readonly reader: CookieReader = {
    open: (request, cookieName, refuse) => this.#find(request, cookieName, refuse),
    limitOf: (record) => (this.expiresAt(record) > this.#options.now() ? null : "expired"),
    expiresAt: (record) => this.expiresAt(record),
    isRenewalDue: (record) => this.isRenewalDue(record),
  };
  readonly #options: FlaskFormatOptions;
  /** One for each request, however often its cookie is opened. */
  readonly #newIds: WeakMap<OpenRequest, string> = new WeakMap();

  constructor(options: FlaskFormatOptions) {
    this.#options = options;
  }

  open(
    value: string,
    _cookieName: string,
    request: OpenRequest,
    refuse: RejectRecord = () => null,
  ): SessionRecord | RejectReason {
    const unsigned = this.#options.signer.unsign(value);
    if (typeof unsigned === "string") return unsigned;
    const age = Math.floor(this.#options.now() / 1_000) - unsigned.signedAt;
    if (age > this.#options.maxAgeSeconds) return "expired";
    if (age < 0) return "from_the_future";
    const parts = readParts(unsigned.payload);
    if (parts === null) return "unreadable";
    const sight = this.#options.login?.look(parts, request) ?? lookWithoutLogin(parts);
    const identity = readIdentity(parts.raw[IDENTITY_KEY], sight.userId);
    if (identity === null) return this.#openNameless(unsigned, sight, request, refuse);
    const record = toRecord(sight, unsigned, identity, null);
    const reason = refuse(record);
    // Flask has signed it since it ended here, and goes on with it: a sign-in there is one here.
    const isGoneOn = reason === "ended" && refuse(record, (unsigned.signedAt - STAMP_BACK_SECONDS) * 1_000) === null;
    return isGoneOn ? this.#openNameless(unsigned, sight, request, refuse) : (reason ?? record);
  }

  /**
   * A cookie that Flask alone has written. Visitors who came in one second have equal ones: whatever ended one of them ends
   * the requests that were under way, and nobody's who comes later. One that names a user is theirs alone, and ends for good.
   */
  #openNameless(
    unsigned: Unsigned,
    sight: LoginState,
    request: OpenRequest,
    refuse: RejectRecord,
  ): SessionRecord | RejectReason {
    const isShared = sight.parts.userId === null;
    const place = isShared ? createIdentifier(request, request.address, "0.6") : "";
    const newId = this.#newIdFor(request);
    for (let count = 0; ; count++) {
      const named = standIn(unsigned.signature, sight.userId, place, count);
      const identity = count < STAND_INS_MAX ? named : { ...named, id: newId };
      const record = toRecord(sight, unsigned, identity, newId);
      const reason = refuse(record);
      if (reason !== "ended" || !isShared || count === STAND_INS_MAX) return reason ?? record;
    }
  }

  /**
   * Empty for an empty session, as Flask deletes it. Throws a `SessionError` for a session that no browser would keep, a
   * `TypeError` for a value that can't be carried.
   */
  seal(record: SessionRecord, cookieName: string, request: OpenRequest): string {
    const { userId, flashes, data } = record;
    if (userId === null && flashes.length === 0 && Object.keys(data).length === 0) return "";
    const values = joinFields(record, () => this.#options.login?.identify(request) ?? null);
    const unchanged = unchangedPayload(record, values);
    if (unchanged !== null) return this.#sign(unchanged);
    values[IDENTITY_KEY] = writeIdentity(identityToWrite(record), userId);
    const text = writeTagged(values);
    const payload = writePayload(text);
    if (payload === null)
      throw tooLarge(record, values._flashes, `holds ${Buffer.byteLength(text)} bytes and may hold ${TEXT_BYTES_MAX}`);
    const value = this.#sign(payload);
    const size = cookieName.length + value.length;
    if (size <= COOKIE_BYTES_MAX) return value;
    throw tooLarge(record, values._flashes, `cookie is ${size} bytes and browsers keep ${COOKIE_BYTES_MAX}`);
  }

  #sign(payload: string): string {
    const { signer, maxAgeSeconds, now } = this.#options;
    const back = Math.min(STAMP_BACK_SECONDS, Math.floor(maxAgeSeconds / 10));
    return signer.sign(payload, Math.floor(now() / 1_000) - back);
  }

  #find(request: OpenRequest, cookieName: string, refuse: RejectRecord): SessionRecord | null {
    const [value] = readCookies(request.header("cookie") ?? "", cookieName);
    if (value === undefined) return this.recover(request);
    const opened = this.open(value, cookieName, request, refuse);
    const reason = typeof opened === "string" ? opened : this.reader.limitOf(opened);
    if (reason === null) return opened as SessionRecord;
    emit("flagon:reject", () => ({ reason }));
    // Ended in this process: the token was sent before the logout was answered, and does not bring the visitor back.
    return reason === "ended" ? null : this.recover(request);
  }

  /** The first moment at which Flask would refuse it: it counts whole seconds, and an age of just the longest is in. */
  expiresAt(record: SessionRecord): number {
    return (Math.floor(record.renewedAt / 1_000) + this.#options.maxAgeSeconds + 1) * 1_000;
  }

  /** A permanent session at each request, as Flask does, and one that the remember cookie began. */
  isRenewalDue(record: SessionRecord): boolean {
    const isDue = record.outdated || FlaskNative.of(record)?.isRenewalDue;
    return isDue || (record.permanent && this.#options.refreshEachRequest);
  }

  print(key: string, value: unknown): string {
    refuseOwnKey(key);
    return taggedText(key, value);
  }

  /** Who else names the visitor: such a session is no new one, and is due to be written. */
  recover(request: OpenRequest): SessionRecord | null {
    const sight = this.#options.login?.look(nothing, request);
    if (sight === undefined || sight.userId === null) return null;
    // No id made of the token: it is the same in each browser of this user and for ever, and must not be ended.
    return { ...newRecord(sight, this.#options.now()), id: this.#newIdFor(request) };
  }

  #newIdFor(request: OpenRequest): string {
    const id = this.#newIds.get(request) ?? randomId();
    this.#newIds.set(request, id);
    return id;
  }

  extraCookies(record: SessionRecord | null, request: OpenRequest): readonly string[] {
    return this.#options.login?.extraCookies(record, request) ?? [];
  }

  /** A visitor's cookie that Flask alone wrote may be others' too: nothing is to be remembered of that one id. */
  convert(opened: SessionRecord): SessionRecord {
    const { native: _native, fresh: _fresh, ...record } = opened;
    const flashes = record.flashes.map(({ message, category }): Flash => ({ message, category }));
    const id = newIdOfShared(opened) ?? record.id;
    return { ...record, id, data: toPlainValues(record.data) as Record<string, unknown>, flashes };
  }

  /** Bound to the session, its present cookie and who is signed in: a token from before a sign-in or rotation is none after. */
  csrfMacs(session: CsrfGround, isAsked: boolean): readonly Buffer[] {
    const { record } = session;
    const native = FlaskNative.of(record);
    const isWritten = native === null ? record.userId !== null : native.cookie?.newId === null;
    if (isAsked && !isWritten) session.set(CSRF_KEY, true);
    const { id, generation, signInId } = identityToWrite(record);
    return this.#options.signer.csrfMacs(JSON.stringify([id, generation, signInId, record.userId]));
  }
}

const nothing: Parts = { raw: {}, data: {}, flashes: [], userId: null };

/** For an app that does without Flask-Login: `_user_id` still names the user, as TypeScript's `login` writes it. */
function lookWithoutLogin(parts: Parts): LoginState {
  return { parts, userId: parts.userId, fresh: parts.raw._fresh === true, native: new FlaskNative(parts) };
}

function readParts(payload: string): Parts | null {
  try {
    return splitFields(readTagged(readPayload(payload)));
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

/**
 * The payload as it came, for a session that nobody changed: written anew it could be longer than browsers keep, by Flagon's
 * own key or by another zlib, and nobody would have done anything. Null for one that has changed.
 */
function unchangedPayload(record: SessionRecord, values: Record<string, unknown>): string | null {
  const native = FlaskNative.of(record);
  if (native === null || native.cookie === null) return null;
  const { identity, payload } = native.cookie;
  const { id, generation } = identityOf(record);
  if (id !== identity.id || generation !== identity.generation) return null;
  const raw = native.parts.raw[IDENTITY_KEY];
  const text = writeTagged(raw === undefined ? values : { ...values, [IDENTITY_KEY]: raw });
  return text === readPayload(payload) ? payload : null;
}

/** Names the three largest things that the app stored, with their bytes before they are compressed. */
function tooLarge({ data }: SessionRecord, flashes: unknown, what: string): SessionError {
  const stored = flashes === undefined ? data : { ...data, "waiting flashes": flashes };
  const sizes = Object.entries(stored).map(
    ([key, value]) => [key, Buffer.byteLength(key + taggedText(key, value))] as const,
  );
  const largest = sizes.sort(([, a], [, b]) => b - a).slice(0, 3);
  const keys = largest.map(([key, size]) => `${key} (${size})`).join(", ");
  return new SessionError("cookie_too_large", `the session ${what}; the largest keys are ${keys}; store less`);
}
