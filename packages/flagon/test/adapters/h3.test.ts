import { defineHandler, H3, type H3Event, HTTPError, HTTPResponse, redirect, serve as serveH3 } from "h3";
import { describe, expect, test } from "vitest";
import { session } from "../../src/adapters/h3.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { testCrossSite } from "./cross-site.ts";
import { backends, down, storedSessions, testAll } from "./listen.ts";
import { streamOf } from "./reply.ts";
import { replacedSession, replacements, sloppy, testSessionObject } from "./session-object.ts";
import { bodyOf, fetchWays, share, type Ways } from "./shared-head.ts";

const ways: Ways<H3Event, unknown> = {
  "res.headers": (event, { status, head, body }) => {
    event.res.status = status;
    for (const [name, value] of head.pairs) event.res.headers.append(name, value);
    return bodyOf(body);
  },
  "HTTPResponse with shared Headers": (_, { status, head, body }) =>
    new HTTPResponse(bodyOf(body), { status, headers: head.headers }),
  ...fetchWays,
};

const serve: ServeAdapter = async ({ sessions, routes, shared }) => {
  const onError = (error: HTTPError): Response =>
    new Response(error.message, { status: error.status, headers: error.headers ?? {} });
  const app = new H3(shared({ silent: true, onError }));
  app.use(session(sessions));
  for (const route of routes) {
    app.on(route.method, route.path, async (event) => {
      const reply = await route.handle(event.context.session);
      if (reply.kind === "shared") return share(ways, event, reply);
      if (reply.kind === "redirect") return redirect(reply.location);
      if (reply.kind === "stream") return streamOf(reply.chunks);
      if (reply.kind === "empty") {
        event.res.status = reply.status;
        return null;
      }
      for (const [name, value] of reply.headers ?? []) event.res.headers.append(name, value);
      event.res.status = reply.status ?? 200;
      return reply.body;
    });
  }
  const server = await serveH3(app, { hostname: "127.0.0.1", port: 0, silent: true }).ready();
  return { origin: (server.url ?? "").replace(/\/$/, ""), close: () => server.close(true) };
};

describe("the h3 adapter conforms", () => testAll(adapterConformance(serve, { sharedHeads: Object.keys(ways) })));
testSessionObject(serve);
testCrossSite(serve);

test("behind a proxy that is trusted, its headers say where the visitor is", async () => {
  const statuses: number[] = [];
  for (const trustProxy of [true, false]) {
    const app = new H3({ silent: true }).use(session(storedSessions())).post("/", () => "ok");
    const server = await serveH3(app, { hostname: "127.0.0.1", port: 0, silent: true, trustProxy }).ready();
    const headers = { origin: "https://app.example", "x-forwarded-proto": "https", "x-forwarded-host": "app.example" };
    statuses.push((await fetch(server.url ?? "", { method: "POST", headers })).status);
    await server.close(true);
  }
  expect(statuses).toEqual([200, 403]);
});

describe.each(backends)("on h3, %s", (_, make) => {
  test.each(replacements)("a session that is replaced by %s is an error for whoever catches them", async (_, value) => {
    const errors: unknown[] = [];
    const app = new H3({ silent: true });
    app.use(async (_event, next) => {
      try {
        return await next();
      } catch (error) {
        errors.push(error);
        throw error;
      }
    });
    app.use(session(make()));
    app.get("/:path", (event) => {
      const [path, { session }] = [event.context.params?.path ?? "", event.context];
      if (path === "sign-in") session.set("cart", "tea").login("ann");
      if (path === "change-and-replace") session.set("cart", "coffee");
      if (path.endsWith("replace")) sloppy("context.session = value", { context: event.context, value });
      return `${session.userId} with ${session.get("cart")}`;
    });
    const server = await serveH3(app, { hostname: "127.0.0.1", port: 0, silent: true }).ready();
    await replacedSession((server.url ?? "").replace(/\/$/, ""), () => errors.at(-1));
    await server.close(true);
  });

  test("answers of every kind encodeValue the cookie beside the app's own", async () => {
    const app = new H3({ silent: true }).use(session(make()));
    const answers: [string, () => unknown][] = [
      ["/text", () => "text"],
      ["/json", () => ({ json: true })],
      ["/response", () => new Response("made", { status: 201, headers: { "set-cookie": "own=1" } })],
      ["/redirect", () => Response.redirect("http://localhost/next")],
      ["/refused", () => new Response("refused", { status: 403, headers: { "set-cookie": "own=1" } })],
      ["/nothing", () => null],
    ];
    for (const [path, answer] of answers) {
      app.get(path, (event) => {
        event.context.session.set("seen", true);
        return answer();
      });
      const response = await app.request(path);
      const names = response.headers.getSetCookie().map((line) => line.split("=")[0]);
      const own = path === "/response" || path === "/refused" ? ["own"] : [];
      expect([path, names, response.headers.get("vary")]).toEqual([path, [...own, "conformance"], "Cookie"]);
    }
  });

  test("an error's page and a 404 encodeValue the cookie", async () => {
    const app = new H3({ silent: true }).use(session(make()));
    app.get("/throw", (event) => {
      event.context.session.flash("try again");
      throw new HTTPError({ status: 409, headers: { "x-own": "1" } });
    });
    app.use("/lost", (event) => void event.context.session.set("seen", true));
    const [thrown, lost] = [await app.request("/throw"), await app.request("/lost")];
    expect([thrown.status, thrown.headers.get("x-own"), thrown.headers.getSetCookie().length]).toEqual([409, "1", 1]);
    expect([lost.status, lost.headers.getSetCookie().length]).toEqual([404, 1]);
  });

  test("the app's onError sees what fails, and its page carries the cookie where h3 makes the response", async () => {
    const sessions = make();
    const seen: unknown[] = [];
    const onError = (error: HTTPError) => {
      seen.push(error.cause);
      return { sorry: error.status };
    };
    const app = new H3({ silent: true, onError }).use(session(sessions));
    const failure = new Error("thrown by the handler");
    app.get("/throw", (event) => {
      event.context.session.set("seen", true);
      throw failure;
    });
    app.get("/redirect", (event) => {
      event.context.session.set("seen", true);
      event.res.headers.set("location", "/next");
      return "";
    });
    const thrown = await app.request("/throw");
    expect([await thrown.json(), thrown.headers.getSetCookie().length]).toEqual([{ sorry: 500 }, 1]);
    sessions.failWith(down);
    const lost = await app.request("/redirect");
    expect([await lost.json(), lost.headers.get("location"), lost.headers.getSetCookie()]).toEqual([
      { sorry: 503 },
      null,
      [],
    ]);
    expect(seen).toEqual([failure, down]);
  });

  test("an onError that answers with a Response of its own sends the cookie", async () => {
    const onError = (error: HTTPError) => new Response("our own page", { status: error.status });
    const app = new H3({ silent: true, onError }).use(session(make()));
    app.get("/throw", (event) => {
      event.context.session.flash("try again");
      throw new Error("thrown by the handler");
    });
    for (const visit of [1, 2]) {
      const response = await app.request("/throw");
      expect([visit, await response.text(), response.headers.getSetCookie().length]).toEqual([
        visit,
        "our own page",
        1,
      ]);
    }
  });

  test("a session mounted on the app and on a route commits once", async () => {
    const sessions = make();
    const app = new H3().use(session(sessions));
    const handler = (event: {
      context: { session: { update(key: string, step: (n: unknown) => unknown): unknown } };
    }) => String(event.context.session.update("n", (n) => Number(n ?? 0) + 1));
    app.get("/", defineHandler({ middleware: [session(sessions)], handler }));
    const response = await app.request("/");
    expect([await response.text(), response.headers.getSetCookie().length, sessions.commits]).toEqual(["1", 1, 1]);
  });
});

describe.each(backends)("on h3, %s", (_, make) => {
  test("a configuration that h3's own serve has frozen, and a page that all errors share, are never written to", async () => {
    const page = new Response("our own page", { status: 500 });
    const config = Object.freeze({ silent: true, onError: () => page.clone() });
    const app = new H3(config).use(session(make()));
    app.get("/look", (event) => `saw ${event.context.session.get("seen")}`);
    app.get("/throw", (event) => {
      event.context.session.set("seen", true);
      throw new Error("thrown by the handler");
    });
    Object.freeze(app.config);
    expect(await (await app.request("/look")).text()).toBe("saw undefined");
    const [thrown, lost] = [await app.request("/throw"), await app.request("/nowhere")];
    expect([thrown.status, await thrown.text(), thrown.headers.getSetCookie().length]).toEqual([
      500,
      "our own page",
      1,
    ]);
    expect([lost.status, lost.headers.getSetCookie()]).toEqual([500, []]);
    expect(page.headers.getSetCookie()).toEqual([]);
  });

  test("an onError that answers nothing leaves the page to h3's own form, with the cookie", async () => {
    const seen: string[] = [];
    const app = new H3({ silent: true, onError: (error) => void seen.push(error.message) }).use(session(make()));
    app.get("/throw", (event) => {
      event.context.session.set("seen", true);
      throw new Error("thrown by the handler");
    });
    const reply = await app.request("/throw");
    expect([reply.status, await reply.json(), reply.headers.getSetCookie().length]).toEqual([
      500,
      { status: 500, unhandled: true, message: "HTTPError" },
      1,
    ]);
    expect(seen).toEqual(["thrown by the handler"]);
  });

  test("a response that all requests share carries nobody's cookie to the next", async () => {
    const page = new Response(null, { status: 303, headers: { location: "/" } });
    const app = new H3().use(session(make()));
    app.get("/in", (event) => {
      event.context.session.login("ada");
      return page;
    });
    app.get("/page", () => page);
    for (let round = 0; round < 3; round++) {
      const [ada, stranger] = [await app.request("/in"), await app.request("/page")];
      expect([ada.headers.getSetCookie().length, stranger.headers.getSetCookie()]).toEqual([1, []]);
    }
    expect([...page.headers]).toEqual([["location", "/"]]);
  });
});
