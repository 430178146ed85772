import type { OpenRequest, SessionRecord } from "../codec.ts";
import type { Cookie } from "../http/cookie.ts";
import type { SessionState } from "../state/session-state.ts";

/** What a request's cookie stands for. */
export interface LoadedSession {
  /** Null when no valid session came with the request. */
  readonly record: SessionRecord | null;
  /** The cookie's session was ended moments ago by a parallel request: this one keeps nothing and sets no cookie. */
  readonly muted?: boolean;
  /** Whether the browser gets a new cookie although nothing changed. */
  readonly renewalDue?: boolean;
  /** An old format's session that may be taken over only once: it gets a new id, and the old one is remembered. */
  readonly isTakenOver?: boolean;
}

export const noSession: LoadedSession = { record: null };
export const muted: LoadedSession = { record: null, muted: true };

/** A home's side of one request. */
export interface SessionHandle {
  /** Called once, at the first look. Throws what the home failed with: a store that is down fails only who looks. */
  load(): LoadedSession;
  /** Told when the session gets a new id: until the commit, `revokeUser` may be told to except it under that one. */
  announce?(id: string, from: string): void;
  /** The Set-Cookie lines that tell the browser what became of the session; called only when it was looked at. */
  save(visit: SessionState): string[] | Promise<string[]>;
}

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
  /** Never rejects: a failure waits in the stay for the first look. */
  open(request: OpenRequest, jar: Cookie): SessionHandle | Promise<SessionHandle>;
  /** These are as `Sessions` has them. */
  list(userId: string | number, options?: { readonly current?: string }): Promise<SessionInfo[]>;
  revoke(id: string): Promise<void>;
  revokeUser(userId: string | number, options?: { readonly except?: string }): Promise<void>;
  prune(): Promise<number>;
}

/** A stay for what could not be loaded: whoever looks at the session learns why, and nothing is written. */
export function failed(error: unknown): SessionHandle {
  return {
    load: () => {
      throw error;
    },
    save: () => [],
  };
}
