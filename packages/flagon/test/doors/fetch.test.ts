import { Readable } from "node:stream";
import { describe } from "vitest";
import { session } from "../../src/fetch.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { listen, testAll, toResponse } from "./listen.ts";

/** What a runtime does around a fetch handler: a Request of what came, and the Response to the socket. */
const serve: ServeAdapter = ({ sessions, routes }) => {
  const fetch = session(sessions)(async (request, session) => {
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = routes.find((each) => each.method === method && each.path === new URL(request.url).pathname);
    return route === undefined ? new Response("nowhere", { status: 404 }) : toResponse(await route.handle(session));
  });
  return listen(async (incoming, outgoing) => {
    const headers = new Headers(Object.entries(incoming.headers) as [string, string][]);
    const url = `http://${incoming.headers.host}${incoming.url}`;
    try {
      const response = await fetch(new Request(url, { method: incoming.method ?? "GET", headers }));
      const cookies = response.headers.getSetCookie();
      outgoing.statusCode = response.status;
      for (const [name, value] of response.headers) if (name !== "set-cookie") outgoing.setHeader(name, value);
      if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
      if (response.body === null || incoming.method === "HEAD") outgoing.end();
      else Readable.fromWeb(response.body as never).pipe(outgoing);
    } catch {
      outgoing.writeHead(500).end();
    }
  });
};

describe("the fetch door conforms", () => testAll(adapterConformance(serve, { answersErrors: false })));
