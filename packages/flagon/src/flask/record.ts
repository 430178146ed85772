import type { SessionRecord } from "../codec.ts";
import { COOKIE_AGE_MAX_MS } from "../http/cookie.ts";
import type { LoginState } from "./flask-login.ts";
import { FlaskNative } from "./session-fields.ts";
import { identityOf, type SessionIdentity } from "./session-identity.ts";
import type { Unsigned } from "./timed-signer.ts";

/** The record of a cookie. `newId` is the one that Flagon's first write gives it; null where it has one. */
export function toRecord(
  sight: LoginState,
  { payload, signedAt, byFallback }: Unsigned,
  identity: SessionIdentity,
  newId: string | null,
): SessionRecord {
  const record = { ...newRecord(sight, signedAt * 1_000), ...identity };
  record.native = sight.native.from({ payload, identity, newId });
  if (byFallback) record.outdated = true;
  return record;
}

/** Without an id: of a cookie, or of nothing but the remember cookie. */
export function newRecord({ parts, userId, fresh, native }: LoginState, renewedAt: number): SessionRecord {
  return {
    id: "",
    generation: 0,
    since: 0,
    signInId: 0,
    permanent: Boolean(parts.raw._permanent),
    createdAt: null,
    authenticatedAt: null,
    renewedAt,
    rotatedAt: renewedAt,
    // Flask goes on signing: as long as browsers keep a cookie (RFC 6265bis, section 5.5).
    endsAt: renewedAt + COOKIE_AGE_MAX_MS,
    userId,
    data: parts.data,
    flashes: [...parts.flashes],
    fresh,
    native,
  };
}

/** The id to come of a session whose very cookie others may have: Flask alone wrote it, and it names no user. Else null. */
export function newIdOfShared(record: SessionRecord): string | null {
  const native = FlaskNative.of(record);
  return native === null || native.parts.userId !== null ? null : (native.cookie?.newId ?? null);
}

/** What the cookie is to say of the session: it gets an id of its own where Flask alone has written it so far. */
export function identityToWrite(record: SessionRecord): SessionIdentity {
  const identity = identityOf(record);
  const cookie = FlaskNative.of(record)?.cookie ?? null;
  const isStandIn = cookie !== null && cookie.newId !== null && identity.id === cookie.identity.id;
  return isStandIn ? { ...identity, id: cookie.newId } : identity;
}
