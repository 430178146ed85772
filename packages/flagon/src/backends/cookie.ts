import type { CookieFormat, CookieOpener, OpenRequest, Refuse, SessionRecord } from "../codec.ts";
import type { RejectReason } from "../errors.ts";
import { emit } from "../events.ts";
import type { CookieJar } from "../http/cookie.ts";
import type { Visit } from "../state/session-state.ts";
import { type Home, muted, nobody, type Stay } from "./backend.ts";
import { EndedIds, LATE_MS } from "./revocations/local.ts";

/** From here on a proxy with a limit of 4 KB for the header line may refuse the cookie. */
const NEAR_LIMIT_BYTES = 3_500;

/** Finds the session in an older format; null where there is none. */
export type FindOld = (request: OpenRequest, cookieName: string, refuse: Refuse) => SessionRecord | null;

/** What a home of sealed cookies is made of. */
export interface CookieParts {
  readonly format: CookieFormat;
  readonly opener: CookieOpener;
  readonly now: () => number;
  readonly findOld?: FindOld;
}

export interface CookieHome extends Home {
  open(request: OpenRequest, jar: CookieJar): CookieStay;
  list(): Promise<never>;
}

/** The whole session is in the cookie. No I/O: opened at the first look, written synchronously. */
export function cookieHome(parts: CookieParts): CookieHome {
  const ended = new EndedIds();
  return {
    open: (request, jar) => cookieStay(parts, ended, request, jar),
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
export interface CookieStay extends Stay {
  save(visit: Visit): string[];
  /** The lines for a finished record; null deletes the cookie, if the request came with one. */
  write(visit: Visit, record: SessionRecord | null): string[];
  /** Deletes the cookie, and what its format has beside it. */
  erase(): string[];
}

function cookieStay(
  { format, opener, now, findOld }: CookieParts,
  ended: EndedIds,
  request: OpenRequest,
  jar: CookieJar,
): CookieStay {
  /** The session that the request came with, where it ended just before. */
  let late: SessionRecord | null = null;

  const refuse = (record: SessionRecord): RejectReason | null => {
    const end = ended.find(record);
    if (end === undefined) return null;
    if (now() - end.at < LATE_MS) late ??= record;
    return "ended";
  };

  const beside = (record: SessionRecord | null): readonly string[] => format.linesBeside?.(record, request) ?? [];
  const erase = (): string[] => [jar.erase(), ...beside(null)];
  const write = ({ loaded }: Visit, record: SessionRecord | null): string[] => {
    const value = record && format.seal(record, jar.name, request);
    if (!record || !value) return erase().slice(loaded.record || loaded.muted ? 0 : 1);
    emit("flagon:commit", () => ({ id: record.id, bytes: value.length, nearLimit: value.length >= NEAR_LIMIT_BYTES }));
    return [
      jar.write(value, record.permanent ? opener.expiresAt(record) - record.renewedAt : undefined),
      ...beside(record),
    ];
  };

  return {
    write,
    erase,

    load() {
      const own = opener.open(request, jar.name, refuse);
      const record = own ?? findOld?.(request, jar.name, refuse) ?? null;
      if (record === null) return late === null ? nobody : muted;
      return { record, renewalDue: own === null || opener.isRenewalDue(own) };
    },

    save(visit) {
      const { loaded, record, isLogin, ending } = visit;
      if (!visit.isChanged && !loaded.renewalDue) return [];
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
      const lines = write(visit, isOver && isSignOut ? null : visit.result());
      if (came !== null && place !== null && (isOver || ending !== null)) {
        if (isSignOut) ended.end(came, now());
        else ended.retire(place, record, now());
        emit("flagon:revoke", () => ({ id: place, userId: came.userId, reason: ending ?? "ended" }));
      }
      return lines;
    },
  };
}
