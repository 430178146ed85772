import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
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

/** The same where there is no response, but the connection itself: browsers show a page no more of it than that it failed. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const known = isSessionError(error) ? error : null;
  if (known === null) process.emitWarning(error instanceof Error ? error : String(error));
  const status = known?.status ?? 500;
  const text = known?.expose ? known.message : (STATUS_CODES[status] ?? "");
  const head = [
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(text)}`,
  ];
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...head, "", text].join("\r\n"));
}
