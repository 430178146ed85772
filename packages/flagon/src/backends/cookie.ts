import type { CookieFormat, CookieReader, OpenRequest, RejectRecord, SessionRecord } from "../codec.ts";
import { isTooLarge, type RejectReason } from "../errors.ts";
import { emit } from "../events.ts";
import type { Cookie } from "../http/cookie.ts";
import type { SessionHandle, SessionState } from "../state/session-state.ts";
import { processMemory } from "../util/process-memory.ts";
import { muted, noSession, type SessionBackend } from "./backend.ts";
import { LocalRevocations, ROTATION_GRACE_MS } from "./revocations/local.ts";

/** From here on a proxy with a limit of 4 KB for the header line may refuse the cookie. */
const NEAR_LIMIT_BYTES = 3_500;

/** Finds the session in an older format; null where there is none. */
export type FindLegacySession = (
  request: OpenRequest,
  cookieName: string,
  refuse: RejectRecord,
) => SessionRecord | null;

/** What a backend of sealed cookies is made of. */
export interface CookieParts {
  readonly format: CookieFormat;
  readonly opener: CookieReader;
  readonly now: () => number;
  readonly findLegacySession?: FindLegacySession;
}

export interface CookieBackend extends SessionBackend {
  open(request: OpenRequest, jar: Cookie): CookieHandle;
  list(): Promise<never>;
}

/** The whole session is in the cookie. No I/O: opened at the first look, written synchronously. */
export function cookieBackend(parts: CookieParts): CookieBackend {
  const ended = processMemory("ended sessions", () => new LocalRevocations());
  return {
    open: (request, jar) => cookieHandle(parts, ended, request, jar),
    list: onlyInStores,
    revoke: onlyInStores,
    revokeUser: onlyInStores,
    prune: async () => 0,
  };
}

async function onlyInStores(): Promise<never> {
  throw new TypeError(
    "sealed cookies cannot do that; pass createSessions({ store }), or { revocations: store } to revoke",
  );
}

/** One request's session in a cookie. */
export interface CookieHandle extends SessionHandle {
  save(state: SessionState): string[];
  /** The lines for a finished record; null deletes the cookie, if the request came with one. */
  write(state: SessionState, record: SessionRecord | null): string[];
  /** Deletes the cookie, and what its format has beside it. */
  erase(): string[];
}

function cookieHandle(
  { format, opener, now, findLegacySession }: CookieParts,
  ended: LocalRevocations,
  request: OpenRequest,
  jar: Cookie,
): CookieHandle {
  /** The session that the request came with, where it ended just before. */
  let late: SessionRecord | null = null;
  const writesBefore = ended.writes;

  const refuse = (record: SessionRecord, since = 0): RejectReason | null => {
    const end = ended.find(record);
    if (end === undefined || end.at < since) return null;
    if (now() - end.at < ROTATION_GRACE_MS) late ??= record;
    return "ended";
  };

  const beside = (record: SessionRecord | null): readonly string[] => format.extraCookies?.(record, request) ?? [];
  const erase = (): string[] => [jar.serializeDeletion(), ...beside(null)];
  const write = (state: SessionState, record: SessionRecord | null): string[] => {
    const { loaded } = state;
    // Nobody changed anything here: the cookie of a request that did is not taken back.
    if (!state.isChanged && record !== null && ended.isWrittenSince(record.id, writesBefore)) return [];
    let value: string | null;
    try {
      value = record && format.seal(record, jar.name, request);
    } catch (error) {
      // Nobody changed anything: a session that no longer fits is not renewed, and fails no request.
      if (state.isChanged || !isTooLarge(error)) throw error;
      return [];
    }
    if (!record || !value) return erase().slice(loaded.record || loaded.muted ? 0 : 1);
    if (state.isChanged) ended.noteWrite(record.id);
    emit("flagon:commit", () => ({ id: record.id, bytes: value.length, nearLimit: value.length >= NEAR_LIMIT_BYTES }));
    return [
      jar.serialize(value, record.permanent ? opener.expiresAt(record) - record.renewedAt : undefined),
      ...beside(record),
    ];
  };

  return {
    write,
    erase,

    load() {
      const own = opener.open(request, jar.name, refuse);
      const record = own ?? findLegacySession?.(request, jar.name, refuse) ?? null;
      if (record === null) return late === null ? noSession : muted;
      return { record, renewalDue: own === null || opener.isRenewalDue(own) };
    },

    save(state) {
      const { loaded, record, isLogin, ending } = state;
      if (!state.isChanged && !loaded.renewalDue) return [];
      const came = loaded.record ?? late;
      const isSignOut = ending === "ended" && !isLogin;
      // Ended while this request ran, or just before: what it stores comes too late, but for a sign-in, which takes the
      // place of what the session has become, and a sign-out, which means the heirs too.
      const isOver = came !== null && ended.find(came) !== undefined;
      let place = came?.id ?? null;
      if (isOver && !isSignOut) {
        place = isLogin ? ended.lastOf(came, record.userId, loaded.record === null) : null;
        if (place === null) {
          emit("flagon:conflict", () => ({ id: came.id, reason: "ended" }));
          return [];
        }
        delete record.family;
      }
      // Sealed before the old id ends: when the cookie is too large the session stays as it was.
      const lines = write(state, isOver && isSignOut ? null : state.result());
      if (came !== null && place !== null && (isOver || ending !== null)) {
        if (isSignOut) ended.end(came, now());
        else ended.retire(place, record, now());
        emit("flagon:revoke", () => ({ id: place, userId: came.userId, reason: ending ?? "ended" }));
      }
      return lines;
    },
  };
}
