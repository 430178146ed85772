import type { SessionError } from "../errors.ts";

/** By name, since a bundler may have put a second copy of the class into an app. */
export function isSessionError(error: unknown): error is SessionError {
  return error instanceof Error && error.name === "SessionError";
}
