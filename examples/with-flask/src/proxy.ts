import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";

/**
 * One origin for both apps: what begins with /ts goes to TypeScript, all else to Flask. Both are told the client's address
 * the same way, since Flask-Login makes its identifier of it. In production this is nginx, Caddy or a load balancer.
 */
export function createProxy(ports: { flask: number; typescript: number }): Server {
  return createServer((incoming, outgoing) => {
    const isMoved = /^\/ts(?:[/?]|$)/.test(incoming.url ?? "");
    forward(incoming, outgoing, isMoved ? ports.typescript : ports.flask);
  });
}

function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: number): void {
  const headers = { ...incoming.headers, "x-forwarded-for": incoming.socket.remoteAddress ?? "" };
  const { method, url: path } = incoming;
  const onward = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
  });
  onward.on("error", () => {
    if (!outgoing.headersSent) outgoing.writeHead(502, { "content-type": "text/plain" });
    outgoing.end("The app behind this page did not answer.\n");
  });
  outgoing.on("close", () => onward.destroy());
  incoming.pipe(onward);
}
