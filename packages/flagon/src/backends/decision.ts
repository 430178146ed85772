import type { SessionRecord } from "../codec.ts";

/** For so long after a rotation, or an end, requests with the cookie from before are taken for what they are: late. */
export const ROTATION_GRACE_MS = 30_000;

/** How a session ended: by its own browser, which was told of it, or from elsewhere, so that its browser has the cookie. */
export type EndReason = "ended" | "revoked";

/** A session as a row, an entry or a cookie knows it: which cookie opens it, and whose it is. */
export interface SessionIdentity extends Pick<SessionRecord, "generation" | "since" | "signInId" | "userId"> {
  /** Null while it lives. */
  readonly end: EndReason | null;
  /** When its present generation began, or when it ended; milliseconds since 1970. */
  readonly changedAt: number;
}

/** What a cookie says of itself. */
export type CookieIdentity = Pick<SessionRecord, "generation" | "signInId">;

/**
 * What a cookie is to the session that it names. "superseded": of the generation just before, or of a session that was
 * signed out, moments ago: the request is late, and keeps nothing. "past": nobody's, but for signing out.
 */
export type Standing = "opens" | "superseded" | "past";

/**
 * A cookie of a later generation than the session's was ours all the same, its MAC says so: the engine lost a write, or a
 * copy is behind. It opens what there is, unless another user has signed in there.
 */
export function standingOf(cookie: CookieIdentity, session: SessionIdentity, now: number): Standing {
  const isMomentsAgo = now - session.changedAt < ROTATION_GRACE_MS;
  if (session.end !== null) return session.end === "ended" && isMomentsAgo ? "superseded" : "past";
  const isOwn = session.signInId === cookie.signInId || session.signInId === 0;
  if (cookie.generation >= session.generation && isOwn) return "opens";
  return cookie.generation === session.generation - 1 && isMomentsAgo ? "superseded" : "past";
}

/** What a request wants of the session that it came with. */
export type Intent = "renew" | "change" | "rotate" | "sign in" | "sign out";

/** What the request knew of its session when it came. */
export interface Known extends CookieIdentity {
  /** Whether its cookie opened the session. */
  readonly isOpened: boolean;
}

/**
 * "write": its changes over what is there now, with a new generation if it wants one. "merge": its changes alone, no new
 * generation and no cookie. "join": its changes, and the generation that another sign-in of the same user began. "end".
 * "begin": another session, beside this one. "drop": nothing of it is kept. "ignore": as if it had not asked.
 */
export type Decision = "write" | "merge" | "join" | "end" | "begin" | "drop" | "ignore";

/**
 * What a request may still do, whose session is now this one; null for one of which nothing is left. `userId` is who signs
 * in. `isSlow`: it was under way for so long that a tombstone may have come and gone.
 */
export function decide(
  intent: Intent,
  known: Known,
  session: SessionIdentity | null,
  { userId = null, isSlow = false }: { readonly userId?: string | null; readonly isSlow?: boolean } = {},
): Decision {
  if (intent === "sign out") {
    const isOver = session === null || session.end !== null;
    return isOver || session.signInId === known.signInId ? "end" : "ignore";
  }
  if (session === null) return intent === "sign in" && !isSlow ? "begin" : lost(intent);
  if (session.end !== null) {
    // It knew of the sign-out, or had no part in the end.
    const mayBegin = !known.isOpened || session.end === "revoked";
    return intent === "sign in" && mayBegin ? "begin" : lost(intent);
  }
  if (intent === "sign in") return decideSignIn(known, session, userId);
  const isSame = session.signInId === known.signInId;
  if (isSame && known.isOpened && session.generation <= known.generation) return "write";
  return intent !== "renew" && isSame && known.isOpened ? "merge" : lost(intent);
}

function decideSignIn(known: Known, session: SessionIdentity, userId: string | null): Decision {
  if (session.userId !== null && session.userId !== userId) {
    return known.isOpened && session.generation === known.generation + 1 ? "drop" : "begin";
  }
  const isPresentASignIn = session.userId !== null && session.since === session.generation;
  return isPresentASignIn && session.since > known.generation ? "join" : "write";
}

/**
 * What a session that begins makes of the one that it finds under its id: two requests that begin it begin one. Null where
 * that is somebody else's, or over: then it takes another id.
 */
export function decideBegin(
  isLogin: boolean,
  userId: string | null,
  session: SessionIdentity,
): { readonly decision: "write" | "join"; readonly known: Known } | null {
  const generation = isLogin ? Number.NEGATIVE_INFINITY : session.generation;
  const known: Known = { generation, signInId: 0, isOpened: true };
  const decision = decide(isLogin ? "sign in" : "change", known, session, { userId });
  return decision === "write" || decision === "join" ? { decision, known } : null;
}

/** A change that cannot be kept is told of; a renewal was nobody's wish. */
function lost(intent: Intent): Decision {
  return intent === "renew" ? "ignore" : "drop";
}
