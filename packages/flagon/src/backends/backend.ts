import type { OpenRequest } from "../codec.ts";
import type { Cookie } from "../http/cookie.ts";
import type { LoadedSession, SessionHandle } from "../state/session-state.ts";

export const noSession: LoadedSession = { record: null };
export const muted: LoadedSession = { record: null, muted: true };

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
  open(request: OpenRequest, jar: Cookie): SessionHandle | Promise<SessionHandle>;
  /** These are as `Sessions` has them. */
  list(userId: string | number, options?: { readonly current?: string }): Promise<SessionInfo[]>;
  revoke(id: string): Promise<void>;
  revokeUser(userId: string | number, options?: { readonly except?: string }): Promise<void>;
  prune(): Promise<number>;
}

/** A handle for what could not be loaded: whoever looks at the session learns why, and nothing is written. */
export function failed(error: unknown): SessionHandle {
  return {
    load: () => {
      throw error;
    },
    save: () => [],
  };
}
