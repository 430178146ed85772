import type { Config, Lifetime } from "../config.ts";
import type { AppContext } from "../context.ts";

/** When a session ends, as the page counts it down. Milliseconds since 1970. */
export interface Clock {
  /** The server's time: the browser's own clock may be wrong. */
  readonly now: number;
  /** Without another visit, the session ends here. */
  readonly idleEndsAt: number;
  /** It ends here at the latest. */
  readonly endsAt: number;
  /** How long it may be idle, in milliseconds. */
  readonly idleMs: number;
}

export function lifetimeOf(config: Config, permanent: boolean): Lifetime {
  return permanent ? config.permanentLifetime : config.lifetime;
}

/** Null for a visitor who carries no session. */
export function sessionClock(c: AppContext): Clock | null {
  const session = c.get("session");
  if (session.isNew || session.createdAt === null) return null;
  const { config, now } = c.get("services");
  const { idle, absolute } = lifetimeOf(config, session.permanent);
  return {
    now: now(),
    idleEndsAt: session.expiresAt,
    endsAt: session.createdAt + absolute * 1_000,
    idleMs: idle * 1_000,
  };
}
