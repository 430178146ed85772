import type { OpenRequest, SessionRecord } from "../codec.ts";
import type { Cookie } from "../http/cookie.ts";
import type { Session } from "../session.ts";
import type { LoadedSession, SessionHandle, SessionState } from "../state/session-state.ts";
import type { Intent, SessionIdentity, Standing } from "./decision.ts";

/** One of a user's live sessions, for a page that lists devices. Times are milliseconds since 1970. */
export interface SessionInfo {
  /** As `session.id` of the request that owns it, and as `revoke` takes it. */
  readonly id: string;
  readonly createdAt: number;
  /** Exact to a tenth of the idle time. */
  readonly lastSeenAt: number;
  readonly expiresAt: number;
  /** What `login({ device })` was given, else a short reading of the User-Agent; null when that said nothing. */
  readonly device: string | null;
  /** Whether it is the one whose id `list` was given as `current`. */
  readonly isCurrent: boolean;
}

/** Where sessions live. One is chosen when `createSessions` runs; nothing later asks which. */
export interface SessionBackend {
  /** Never rejects: a failure waits in the handle for the first look. */
  open(request: OpenRequest, cookie: Cookie): SessionHandle | Promise<SessionHandle>;
  /** These are as `Sessions` has them. */
  list(userId: string | number, options?: { readonly current?: string }): Promise<SessionInfo[]>;
  revoke(id: string, options?: { readonly userId?: string | number }): Promise<boolean>;
  revokeUser(userId: string | number, options?: { readonly except?: string }): Promise<void>;
  update<Data extends object>(
    id: string,
    change: (session: Session<Data>) => void,
    options?: { readonly renew?: boolean },
  ): Promise<boolean>;
  count(): Promise<number>;
  prune(): Promise<number>;
}

/** For what could not be loaded: whoever looks at the session learns why, and nothing is written. */
export function failedHandle(error: unknown): SessionHandle {
  return {
    load: () => {
      throw error;
    },
    save: () => [],
    flush: () => {
      throw error;
    },
  };
}

/** What a cookie stands for that does not open the session with this id. */
export function unopened(
  standing: Standing,
  id: string,
  session: SessionIdentity,
  idAfter: (id: string) => string,
): LoadedSession {
  const isSuperseded = standing === "superseded";
  if (session.end !== null) return { record: null, named: id, nextId: idAfter(id), isSuperseded };
  // What a sign-in stores goes to that very session.
  return isSuperseded ? { record: null, named: id, nextId: id, isSuperseded } : { record: null, named: id };
}

/** The session as its record has it. */
export function identityOf({ generation, since, signInId, userId, rotatedAt }: SessionRecord): SessionIdentity {
  return { generation, since, signInId, userId, end: null, changedAt: rotatedAt };
}

export function intentOf(state: SessionState): Intent {
  if (state.isEnded) return "sign out";
  if (state.isLogin) return "sign in";
  if (state.isRotated) return "rotate";
  return state.isChanged ? "change" : "renew";
}
