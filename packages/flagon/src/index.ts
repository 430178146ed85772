export type { SessionInfo } from "./backends/backend.ts";
export type {
  Codec,
  CodecContext,
  CookieFormat,
  CookieReader,
  CsrfGround,
  Flash,
  OpenRequest,
  RejectRecord,
  SessionRecord,
} from "./codec.ts";
export { type RejectReason, SessionError, type SessionErrorCode } from "./errors.ts";
export type { FlagonEvents } from "./events.ts";
export { sealed } from "./formats/sealed-cookie.ts";
export type { CookieOptions } from "./http/cookie.ts";
export type { CsrfOptions } from "./http/cross-site.ts";
export type { HeaderLine, HeaderValue, ResponseHead } from "./http/headers.ts";
export type { RevocationOptions, SessionOptions, UpgradeOptions } from "./options.ts";
export * from "./register.ts";
export type { Key, LoginOptions, Session } from "./session.ts";
export { createSessions, type Sessions } from "./sessions.ts";
export type { Lifetime } from "./state/lifetime.ts";
export type { StandardSchema } from "./state/schema.ts";
export type { Store, StoredSession } from "./store.ts";
export type { Duration } from "./util/duration.ts";
