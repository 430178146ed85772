import { channel } from "node:diagnostics_channel";
import type { RejectReason, SessionError } from "./errors.ts";

/** What Flagon tells whoever listens. Never a secret, a MAC or a cookie's value. */
export interface FlagonEvents {
  /** A request's session was looked at for the first time. */
  "flagon:open": { readonly id: string | null; readonly userId: string | null };
  /** A session was written. `bytes` is the length of the Set-Cookie value; `nearLimit` that proxies may soon refuse it. */
  "flagon:commit": { readonly id: string; readonly bytes: number; readonly nearLimit: boolean };
  /** A cookie, a request or data was refused. */
  "flagon:reject": { readonly reason: RejectReason | "cross_site"; readonly detail?: string };
  /** Two requests met: "same_key" (the later won), "ended" (this one's changes were dropped). */
  "flagon:conflict": { readonly id: string; readonly reason: "same_key" | "ended"; readonly keys?: readonly string[] };
  /** What failed and failed no request: a renewal that the store refused. */
  "flagon:error": { readonly id: string | null; readonly error: SessionError };
  /** A session was ended: signed out, rotated or revoked. */
  "flagon:revoke": {
    readonly id: string | null;
    readonly userId: string | null;
    readonly reason: "ended" | "rotated" | "revoked";
  };
}

/**
 * The message is made only when somebody listens, so that an event nobody wants costs one look. The channel is asked for
 * each time: whoever listens keeps it, and nobody else has to.
 */
export function emit<Name extends keyof FlagonEvents>(name: Name, message: () => FlagonEvents[Name]): void {
  const listeners = channel(name);
  if (listeners.hasSubscribers) listeners.publish(message());
}
