import { isSessionError } from "../../errors.ts";
import type { NodeResponse } from "./deferred-head.ts";

/**
 * Answers where no framework does: with a session error's status and headers, else with 500 and a process warning, so that
 * the failure is seen. A response that is under way can only be broken off.
 */
export function respondWithError(response: NodeResponse, error: unknown): void {
  const known = isSessionError(error) ? error : null;
  if (known === null) process.emitWarning(error instanceof Error ? error : String(error));
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const head = { ...known?.headers, "cache-control": "no-store", "content-type": "text/plain; charset=utf-8" };
  for (const [name, value] of Object.entries(head)) response.setHeader(name, value);
  response.statusCode = known?.status ?? 500;
  const text = known?.status === 503 ? "Service Unavailable" : "Internal Server Error";
  response.end(known?.expose ? known.message : text);
}
