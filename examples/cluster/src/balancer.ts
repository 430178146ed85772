import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";

/**
 * One address for all instances, each in turn. An instance that refuses the connection is passed over, and the next one gets
 * the request. It remembers nobody: any instance can answer any request, because none of them keeps a session.
 *
 * In production this is nginx, HAProxy, Caddy or the cloud's.
 */
export function createBalancer(ports: () => readonly number[]): Server {
  let turn = 0;
  return createServer((incoming, outgoing) => {
    const all = ports();
    const first = turn++ % Math.max(1, all.length);
    forward(incoming, outgoing, [...all.slice(first), ...all.slice(0, first)]);
  });
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, [port, ...others]: readonly number[]): void {
  if (port === undefined) {
    answer(outgoing, 503, "No instance is there to answer. This page tries again.");
    return;
  }
  const { method, url: path } = incoming;
  const headers = {
    ...withoutHopByHop(incoming.headers),
    // Set, not added to: this is the edge, and what a client says of itself here is not to be believed.
    "x-forwarded-for": incoming.socket.remoteAddress ?? "",
    "x-forwarded-host": incoming.headers.host ?? "",
    "x-forwarded-proto": "http",
  };
  const onward = request({ host: "127.0.0.1", port, method, path, headers, agent: false });
  // The body stays here until somebody takes it, so that the next one can have it whole.
  onward.once("socket", (socket) => socket.once("connect", () => incoming.pipe(onward)));
  onward.once("response", (response) => {
    outgoing.writeHead(response.statusCode ?? 502, withoutHopByHop(response.headers));
    response.once("error", () => outgoing.destroy());
    response.pipe(outgoing);
  });
  onward.once("error", (error: NodeJS.ErrnoException) => {
    if (outgoing.destroyed) return;
    const isUndone = error.code === "ECONNREFUSED" || method === "GET" || method === "HEAD";
    if (outgoing.headersSent) outgoing.destroy();
    else if (isUndone) forward(incoming, outgoing, others);
    // It may have been done, or not: to send it again could do it twice.
    else answer(outgoing, 502, "The instance was lost while it worked on this. Look whether it was done.");
  });
  outgoing.once("close", () => onward.destroy());
}

function answer(outgoing: ServerResponse, status: 502 | 503, text: string): void {
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", refresh: "2; url=/" };
  outgoing.writeHead(status, status === 503 ? { ...headers, "retry-after": "2" } : headers);
  outgoing.end(`${text}\n`);
}

/** What speaks of one connection alone (RFC 9110, section 7.6.1) stays on it. */
function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? "").toLowerCase().split(/\s*,\s*/);
  const isForOneHop = (name: string) => hopByHop.has(name) || named.includes(name);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isForOneHop(name)));
}

const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
