import type { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";
import type {
  CookieFormat,
  CookieReader,
  CsrfGround,
  Flash,
  OpenRequest,
  RejectRecord,
  SessionRecord,
} from "../codec.ts";
import { encodeBase64url, randomBytes } from "../crypto/bytes.ts";
import type { RejectReason } from "../errors.ts";
import { SessionError } from "../errors.ts";
import { emit } from "../events.ts";
import { readCookies } from "../http/cookie-header.ts";
import type { FlaskLogin, LoginState } from "./flask-login.ts";
import { readPayload, TEXT_BYTES_MAX, writePayload } from "./payload.ts";
import { Unreadable } from "./python-json.ts";
import { FlaskNative, joinFields, type Parts, refuseOwnKey, splitFields, toPlainValues } from "./session-fields.ts";
import { readTagged, taggedText, writeTagged } from "./tagged-json.ts";
import type { TimedSigner } from "./timed-signer.ts";

/**
 * How far in the past a cookie is stamped, in seconds: Flask refuses one from the future, and the clock of its machine may
 * be a little behind.
 */
const STAMP_BACK_SECONDS = 2;

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

  constructor(options: FlaskFormatOptions) {
    this.#options = options;
  }

  open(value: string, _cookieName: string, request: OpenRequest): SessionRecord | RejectReason {
    const unsigned = this.#options.signer.unsign(value);
    if (typeof unsigned === "string") return unsigned;
    const age = Math.floor(this.#options.now() / 1_000) - unsigned.signedAt;
    if (age > this.#options.maxAgeSeconds) return "expired";
    if (age < 0) return "from_the_future";
    const parts = readParts(unsigned.payload);
    if (parts === null) return "unreadable";
    const sight = this.#options.login?.look(parts, request) ?? lookWithoutLogin(parts);
    const record = toRecord(sight, idOf(unsigned.signature), unsigned.signedAt * 1_000);
    if (unsigned.byFallback) record.outdated = true;
    return record;
  }

  /**
   * Empty for an empty session, as Flask deletes it. Throws a `SessionError` for a session too large to be opened again, a
   * `TypeError` for a value that can't be carried.
   */
  seal(record: SessionRecord, _cookieName: string, request: OpenRequest): string {
    const { userId, flashes, data } = record;
    if (userId === null && flashes.length === 0 && Object.keys(data).length === 0) return "";
    const values = joinFields(record, () => this.#options.login?.identify(request) ?? null);
    const payload = writePayload(writeTagged(values));
    if (payload === null) {
      throw new SessionError(
        "cookie_too_large",
        `the session is more than ${TEXT_BYTES_MAX} bytes of JSON; store less`,
      );
    }
    const back = Math.min(STAMP_BACK_SECONDS, Math.floor(this.#options.maxAgeSeconds / 10));
    return this.#options.signer.sign(payload, Math.floor(this.#options.now() / 1_000) - back);
  }

  #find(request: OpenRequest, cookieName: string, refuse: RejectRecord): SessionRecord | null {
    const [value] = readCookies(request.header("cookie") ?? "", cookieName);
    if (value === undefined) return this.recover(request);
    const opened = this.open(value, cookieName, request);
    const reason = typeof opened === "string" ? opened : (this.reader.limitOf(opened) ?? refuse(opened));
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
    return toRecord(sight, encodeBase64url(randomBytes(16)), this.#options.now());
  }

  extraCookies(record: SessionRecord | null, request: OpenRequest): readonly string[] {
    return this.#options.login?.extraCookies(record, request) ?? [];
  }

  convert({ native: _native, fresh: _fresh, ...record }: SessionRecord): SessionRecord {
    const flashes = record.flashes.map(({ message, category }): Flash => ({ message, category }));
    return { ...record, data: toPlainValues(record.data) as Record<string, unknown>, flashes };
  }

  /** Bound to a random text in the data, and to who is signed in: Flask's sessions have no id. */
  csrfMacs(session: CsrfGround, isAsked: boolean): readonly Buffer[] {
    if (isAsked && typeof session.get(CSRF_KEY) !== "string") session.set(CSRF_KEY, encodeBase64url(randomBytes(32)));
    const key = session.get(CSRF_KEY);
    if (typeof key !== "string") return [];
    return [
      createHmac("sha256", key)
        .update(session.record.userId ?? "", "utf8")
        .digest(),
    ];
  }
}

const CSRF_KEY = "_csrf";

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

function toRecord({ parts, userId, fresh, native }: LoginState, id: string, renewedAt: number): SessionRecord {
  return {
    id,
    generation: 0,
    since: 0,
    signInId: 0,
    permanent: Boolean(parts.raw._permanent),
    createdAt: null,
    authenticatedAt: null,
    renewedAt,
    rotatedAt: renewedAt,
    endsAt: Number.POSITIVE_INFINITY,
    userId,
    data: parts.data,
    flashes: [...parts.flashes],
    fresh,
    native,
  };
}

/** Names one cookie, so that it can be ended: Flask's sessions have no id. */
function idOf(signature: string): string {
  return encodeBase64url(createHash("sha256").update(signature).digest().subarray(0, 16));
}
