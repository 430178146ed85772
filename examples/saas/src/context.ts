import { getConnInfo } from "@hono/node-server/conninfo";
import type { SessionEnv } from "flagon/hono";
import type { Context } from "hono";
import type { Attempts, SignUps } from "./accounts/attempts.ts";
import type { KnownDevices } from "./accounts/known-devices.ts";
import type { User, Users } from "./accounts/users.ts";
import type { Config } from "./config.ts";
import type { SessionBackend } from "./session-backend.ts";

/** What the routes work with; made once, at start. */
export interface Services {
  readonly config: Config;
  readonly backend: SessionBackend;
  readonly users: Users;
  readonly attempts: Attempts;
  readonly knownDevices: KnownDevices;
  readonly signUps: SignUps;
  /** The clock in milliseconds; the same for sessions and for what pages say of them. */
  readonly now: () => number;
}

/** What a route finds in its context: Flagon's session, who is signed in with it, and the services. */
export interface AppEnv {
  Variables: SessionEnv["Variables"] & { user: User | null; services: Services };
}

export type AppContext = Context<AppEnv>;

/** Who is asking, for the limits on attempts. Behind a proxy, this is the proxy. */
export function clientAddress(c: AppContext): string {
  return getConnInfo(c).remote.address ?? "unknown";
}
