import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { AdapterReply } from "../../src/testing.ts";
import { fetchWays, nodeWays, share } from "./shared-head.ts";
import { streamOf } from "./stream.ts";

export { streamOf } from "./stream.ts";

/** Says a reply with nothing but what Node's own response has. */
export function sendWithNode(response: ServerResponse, reply: AdapterReply): void {
  if (reply.kind === "shared") share(nodeWays, response, reply);
  else if (reply.kind === "redirect") response.writeHead(302, { location: reply.location }).end();
  else if (reply.kind === "empty") response.writeHead(reply.status).end();
  else if (reply.kind === "stream") Readable.from(reply.chunks).pipe(response);
  else {
    for (const [name, value] of reply.headers ?? []) response.appendHeader(name, value);
    response.writeHead(reply.status ?? 200).end(reply.body);
  }
}

/** Says a reply as a Response of the fetch standard. */
export function toResponse(reply: AdapterReply): Response {
  if (reply.kind === "shared") return share(fetchWays, undefined, reply);
  if (reply.kind === "empty") return new Response(null, { status: reply.status });
  if (reply.kind === "stream") return new Response(streamOf(reply.chunks));
  // Its head can't be written to, as is the case for many an app's redirect.
  if (reply.kind === "redirect") return Response.redirect(new URL(reply.location, "http://127.0.0.1"), 302);
  const headers = new Headers();
  for (const [name, value] of reply.headers ?? []) headers.append(name, value);
  return new Response(reply.body, { status: reply.status ?? 200, headers });
}
