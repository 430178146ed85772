import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { SharedReply } from "../../src/testing.ts";
import { streamOf } from "./stream.ts";

/** In how many ways a framework can be given a head that was made once; each way has a name for the suite. */
export type Ways<Response, Answer = void> = Readonly<
  Record<string, (response: Response, reply: SharedReply) => Answer>
>;

/** Answers in the way that the reply names. */
export function share<Response, Answer>(ways: Ways<Response, Answer>, response: Response, reply: SharedReply): Answer {
  const way = ways[reply.way];
  if (way === undefined) throw new Error(`no such way: ${reply.way}`);
  return way(response, reply);
}

/** Sends the body of a reply whose head is set already. */
export function sendBody(response: ServerResponse, body: SharedReply["body"]): void {
  if (body === null || typeof body === "string") response.end(body ?? undefined);
  else Readable.from(body).pipe(response);
}

/** With nothing but what Node's own response has. */
export const nodeWays: Ways<ServerResponse> = {
  "writeHead with an object": (response, { status, head, body }) => {
    sendBody(response.writeHead(status, head.object), body);
  },
  "writeHead with a reason and an object": (response, { status, head, body }) => {
    sendBody(response.writeHead(status, "as it is", head.object), body);
  },
  "writeHead with a flat list": (response, { status, head, body }) => {
    sendBody(response.writeHead(status, head.flat), body);
  },
  "writeHead with pairs": (response, { status, head, body }) => {
    // Node takes them, and its types don't know.
    sendBody(response.writeHead(status, head.pairs as never), body);
  },
  "setHeader with lists": (response, { status, head, body }) => {
    response.statusCode = status;
    for (const [name, value] of Object.entries(head.object)) response.setHeader(name, value);
    sendBody(response, body);
  },
  "setHeader, then writeHead with an object": (response, { status, head, body }) => {
    const { "set-cookie": cookies = [], ...others } = head.object;
    response.setHeader("set-cookie", cookies);
    sendBody(response.writeHead(status, Object.freeze(others)), body);
  },
  "setHeaders with Headers": (response, { status, head, body }) => {
    response.statusCode = status;
    sendBody(response.setHeaders(head.headers), body);
  },
};

/** Where a handler answers with a Response. */
export const fetchWays: Ways<void, Response> = {
  "one Response for all": (_, { head, body }) =>
    body === null ? head.response : new Response(bodyOf(body), head.response),
  "a Response of shared Headers": (_, { status, head, body }) =>
    new Response(bodyOf(body), { status, headers: head.headers }),
  "a Response of a shared init": (_, { head, body }) => new Response(bodyOf(body), head.init),
};

/** The body as a Response takes it. */
export function bodyOf(body: SharedReply["body"]): BodyInit | null {
  return body === null || typeof body === "string" ? body : streamOf(body);
}
