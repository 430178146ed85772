import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import { isSessionFailure } from "../errors.ts";
import type { SessionOptions } from "../options.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import { type Sessions, sessionsFrom } from "../sessions.ts";
import { isPromise } from "../util/promise.ts";
import { type Commit, deferHead } from "./shared/deferred-head.ts";
import { findOpened, markOpened } from "./shared/mount-guard.ts";
import { refuseUpgrade, respondWithError } from "./shared/node-error.ts";
import { NodeRequest } from "./shared/node-request.ts";
import { requireSession } from "./shared/require-session.ts";

export type { Register } from "../index.ts";

/** What the handler gets. On HTTP/2 it is an `Http2ServerRequest`, whose compatibility API has the same members. */
export type SessionRequest<Data extends object = RegisteredData> = IncomingMessage & { session: Session<Data> };

/** A listener for servers of `node:http`, `node:https` and `node:http2`. */
export type NodeListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => unknown;

/**
 * ```ts
 * createServer(session(sessions, (request, response) => response.end(String(request.session.get("visits")))));
 * ```
 *
 * For HTTP/1.1, and for the compatibility API of HTTP/2 (not for what is written to an HTTP/2 stream itself). The session
 * is saved before the response's first byte. A `SessionError` is answered with its status; another failure of the session,
 * or of an option it was made with, with 500 and a process warning. What the handler throws stays its own: it is thrown on,
 * and a promise that it returns is returned.
 */
export function session<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
  handler: (request: SessionRequest<Data>, response: ServerResponse) => unknown,
): NodeListener {
  const sessions = sessionsFrom(given);
  return (request, response) => {
    const answer = (error: unknown): void => respondWithError(response, error);
    const handle = (session: Session<Data>): unknown =>
      handler(Object.assign(request as IncomingMessage, { session }), response as ServerResponse);
    const found = findOpened<Data>(request, sessions);
    if (found !== undefined) return handle(found);
    const run = (session: Session<Data>): unknown => {
      markOpened(request, sessions, session);
      const commit: Commit = (head) => {
        requireSession((request as SessionRequest<Data>).session, "request.session");
        return sessions.commit(session, head);
      };
      deferHead(response, commit, answer);
      try {
        const result = handle(session);
        return result instanceof Promise ? result.catch((error) => answerOwn(error, answer)) : result;
      } catch (error) {
        return answerOwn(error, answer);
      }
    };
    let opened: Session<Data> | Promise<Session<Data>>;
    try {
      opened = sessions.open(new NodeRequest(request, response));
    } catch (error) {
      return answer(error);
    }
    // What opening fails with is answered; what the handler throws goes on.
    return isPromise(opened) ? opened.then(run, answer) : run(opened);
  };
}

/**
 * ```ts
 * server.on("upgrade", upgrade(sessions, (request, socket, head) => {
 *   if (request.session.userId === null) return socket.destroy();
 *   wss.handleUpgrade(request, socket, head, (ws) => wss.emit("connection", ws, request));
 * }));
 * ```
 *
 * A listener for a server's `upgrade` event, as `ws` needs one. The handler can read the session, and not change it:
 * `sessions.update` does that. A handshake from another site, and one whose store gives no answer, is refused with the
 * `SessionError`'s status before the handler runs.
 */
export function upgrade<Data extends object = RegisteredData>(
  given: SessionOptions<Data> | Sessions<Data>,
  handler: (request: SessionRequest<Data>, socket: Duplex, head: Buffer) => unknown,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void> {
  const sessions = sessionsFrom(given);
  return async (request, socket, head) => {
    // Until the handler has it, nobody else listens for a connection that breaks.
    const ignore = (): void => {};
    socket.on("error", ignore);
    let session: Session<Data>;
    try {
      session = await sessions.open(new NodeRequest(request));
      // The first look, so that a store that is down is refused here.
      void session.isNew;
    } catch (error) {
      refuseUpgrade(socket, error);
      return;
    }
    socket.off("error", ignore);
    await handler(Object.assign(request, { session }), socket, head);
  };
}

/** The handler's own errors are not ours to answer: Node, or the app around the handler, decides about them. */
function answerOwn(error: unknown, answer: (error: Error) => void): void {
  if (!isSessionFailure(error)) throw error;
  answer(error);
}
