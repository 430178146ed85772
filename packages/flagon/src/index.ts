/**
 * The types of your app's session, said once for every door:
 *
 * ```ts
 * declare module "flagon" {
 *   interface Register {
 *     session: { username: string };
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: made to be filled in by the app
export interface Register {}

/** The data type that was registered; without one, any key with an unknown value. */
export type RegisteredData = Register extends { session: infer Data extends object } ? Data : Record<string, unknown>;

export type {
  Codec,
  CodecContext,
  CookieFormat,
  CookieOpener,
  CsrfGround,
  Flash,
  OpenRequest,
  Refuse,
  RejectReason,
  SessionRecord,
} from "./codec.ts";
export { SessionError, type SessionErrorCode } from "./errors.ts";
export type { CookieOptions } from "./lib/cookie.ts";
export type { FlagonEvents } from "./lib/events.ts";
export type { HeaderLine, HeaderValue, ResponseHead } from "./lib/header-lines.ts";
export type { SessionInfo } from "./lib/home.ts";
export type { RevocationOptions, UpgradeOptions } from "./lib/home-options.ts";
export type { Duration, Lifetime } from "./lib/lifetime.ts";
export type { CsrfOptions } from "./lib/origin.ts";
export { sealed } from "./lib/sealed.ts";
export type { StandardSchema } from "./lib/standard-schema.ts";
export type { SessionOptions } from "./options.ts";
export type { Key, LoginOptions, Session } from "./session.ts";
export { createSessions, type Sessions } from "./sessions.ts";
export type { Store, StoredSession } from "./store.ts";
