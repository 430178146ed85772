import { Readable } from "node:stream";
import { describe, expect, expectTypeOf, test } from "vitest";
import { session } from "../../src/adapters/fetch.ts";
import type { SessionError } from "../../src/errors.ts";
import { createSessions, type Session } from "../../src/index.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { testCrossSite } from "./cross-site.ts";
import { backends, down, listen, testAll } from "./listen.ts";
import { streamOf, toResponse } from "./reply.ts";
import { testSessionObject } from "./session-object.ts";
import { fetchWays } from "./shared-head.ts";

/** What a runtime does around a fetch handler: a Request of what came, and the Response to the socket. */
const serve: ServeAdapter = ({ sessions, routes, shared }) => {
  const options = shared({ onError: (error: SessionError) => error.getResponse() });
  const fetch = session(
    sessions,
    options,
  )(async (request, session) => {
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

describe("the fetch adapter conforms", () =>
  testAll(adapterConformance(serve, { answersErrors: false, sharedHeads: Object.keys(fetchWays) })));
testSessionObject(serve);
testCrossSite(serve);

const url = "http://127.0.0.1/";

test("the request's URL says where the visitor is, whatever the Host that a proxy asks for", async () => {
  const post = session({ secret: "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x" })(() => new Response("ok"));
  for (const [origin, status] of [
    ["https://shop.example", 200],
    ["http://10.0.0.7:3000", 403],
  ] as const) {
    const headers = { host: "10.0.0.7:3000", origin };
    expect((await post(new Request("https://shop.example/pay", { method: "POST", headers }))).status).toBe(status);
  }
});

describe.each(backends)("on fetch, %s", (_, make) => {
  test("what the runtime passes besides is passed on", async () => {
    const withSession = session(make());
    const fetch = withSession((request, session, env: { name: string }, context: { waitUntil(): void }) => {
      expectTypeOf(session).toEqualTypeOf<Session<Record<string, unknown>>>();
      context.waitUntil();
      return new Response(`${request.method} ${session.size} ${env.name}`);
    });
    const waits: string[] = [];
    const response = await fetch(new Request(url), { name: "env" }, { waitUntil: () => void waits.push("waits") });
    expect([await response.text(), waits]).toEqual(["GET 0 env", ["waits"]]);
  });

  test("a response whose head can't be written to is copied, and only when there is something to write", async () => {
    const withSession = session(make());
    const redirect = Response.redirect("http://127.0.0.1/next");
    const changed = await withSession((_, session) => {
      session.set("seen", true);
      return redirect;
    })(new Request(url));
    expect(changed).not.toBe(redirect);
    expect([changed.status, changed.headers.get("location")]).toEqual([302, "http://127.0.0.1/next"]);
    expect(changed.headers.getSetCookie()).toHaveLength(1);
    expect(await withSession(() => redirect)(new Request(url))).toBe(redirect);
    const broken = Response.error();
    const failing = withSession((_, session) => {
      session.set("seen", true);
      return broken;
    });
    expect(await failing(new Request(url))).toBe(broken);
  });

  test("a handshake of a WebSocket is handed on, with the cookie where its head takes one", async () => {
    const withSession = session(make());
    const answers: (Response | undefined)[] = [undefined];
    for (const guard of ["open", "immutable"]) {
      const handshake = guard === "open" ? new Response() : Response.redirect("http://127.0.0.1/");
      answers.push(Object.defineProperty(handshake, "status", { value: 101 }));
    }
    const upgrades = answers.map((answer) =>
      withSession((_, session) => {
        session.set("seen", true);
        return answer as Response;
      })(new Request(url)),
    );
    const [nothing, open, immutable] = await Promise.all(upgrades);
    expect(nothing).toBe(undefined);
    expect(open).toBe(answers[1]);
    expect(open?.headers.getSetCookie()).toHaveLength(1);
    expect(immutable).toBe(answers[2]);
  });

  test("what the handler throws rejects, and nothing is saved", async () => {
    const sessions = make();
    const error = new Error("thrown by the handler");
    const failing = session(sessions)((_, session) => {
      session.set("seen", true);
      throw error;
    });
    await expect(failing(new Request(url))).rejects.toBe(error);
    expect(sessions.commits).toBe(0);
  });

  test("a session error is answered, or as the app says", async () => {
    const sessions = make();
    sessions.failWith(down);
    const handler = () => new Response("never");
    const plain = await session(sessions)(handler)(new Request(url));
    expect([plain.status, plain.headers.get("retry-after"), await plain.text()]).toEqual([
      503,
      "5",
      "the session is not available",
    ]);
    const seen: unknown[] = [];
    const onError = (error: SessionError, request: Request) => {
      seen.push(error, request.url);
      return new Response("our own page", { status: error.status });
    };
    const own = await session(sessions, { onError })(handler)(new Request(url));
    expect([own.status, await own.text(), seen]).toEqual([503, "our own page", [down, url]]);
  });

  test("the body of a response that is not sent is let go of", async () => {
    const sessions = make();
    sessions.failWith(down);
    let isLetGo = false;
    async function* endless() {
      try {
        for (;;) yield "more";
      } finally {
        isLetGo = true;
      }
    }
    await session(sessions)(() => new Response(streamOf(endless())))(new Request(url));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isLetGo).toBe(true);
  });
});

test("options do as well as sessions, and their schema types the session", async () => {
  const secret = "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x";
  const typed = createSessions<{ name: string }>({ secret });
  session(typed)((_, session) => {
    expectTypeOf(session.get("name")).toEqualTypeOf<string | undefined>();
    return new Response();
  });
  const greet = session({ secret })((_, session) => {
    session.flash("hello");
    return new Response();
  });
  const response = await greet(new Request(url));
  expect(response.headers.getSetCookie()).toHaveLength(1);
});

test("a request from another site is refused with 403 and never reaches the handler", async () => {
  let runs = 0;
  const fetch = session({ secret: "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x" })(
    () => new Response(String(++runs)),
  );
  const response = await fetch(new Request(url, { method: "POST", headers: { "sec-fetch-site": "cross-site" } }));
  expect([response.status, runs]).toEqual([403, 0]);
});

describe.each(backends)("on fetch, %s", (_, make) => {
  const page = new Response(null, { status: 303, headers: { location: "/" } });
  const handler = session(make())((request, session) => {
    if (new URL(request.url).pathname === "/in") session.login("ada");
    return page;
  });

  test("a response that all requests share carries nobody's cookie to the next", async () => {
    for (let round = 0; round < 3; round++) {
      const ada = await handler(new Request("http://localhost/in"));
      const stranger = await handler(new Request("http://localhost/page"));
      expect([ada.headers.getSetCookie().length, stranger.headers.getSetCookie()]).toEqual([1, []]);
      expect([ada.status, ada.headers.get("location"), stranger.headers.get("vary")]).toEqual([303, "/", null]);
    }
    expect([...page.headers]).toEqual([["location", "/"]]);
  });
});

describe.each(backends)("on fetch, %s, one handler inside another", (_, make) => {
  test("of the same sessions works on the outer one's session, and one cookie goes out", async () => {
    const withSession = session(make());
    const inner = withSession((_request, session) => {
      session.login("ada");
      return new Response("in");
    });
    const outer = withSession(async (request, session) => {
      const answer = await inner(request);
      session.flash("welcome");
      return new Response(`${await answer.text()} ${session.userId}`);
    });
    const request = new Request("http://localhost/");
    const reply = await outer(request);
    expect([await reply.text(), reply.headers.getSetCookie().length]).toEqual(["in ada", 1]);
    // A request object that is handed in once more begins anew.
    const again = await withSession((_request, session) => new Response(String(session.userId)))(request);
    expect(await again.text()).toBe("null");
  });
});
