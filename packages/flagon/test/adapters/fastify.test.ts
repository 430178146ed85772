import { Readable } from "node:stream";
import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { afterEach, describe, expect, test } from "vitest";
import { session } from "../../src/adapters/fastify.ts";
import { Client, sessionCookies } from "../../src/testing/adapter/client.ts";
import { exchange, headerOf } from "../../src/testing/adapter/raw-http.ts";
import {
  type AdapterRoute,
  adapterConformance,
  type RunningAdapter,
  type ServeAdapter,
  type SharedReply,
} from "../../src/testing.ts";
import { testCrossSite } from "./cross-site.ts";
import { backends, down, storedSessions, testAll } from "./listen.ts";
import { replacedSession, replacements, sloppy, testSessionObject } from "./session-object.ts";
import { fetchWays, nodeWays, share, type Ways } from "./shared-head.ts";
import { clearOld } from "./shared-objects.ts";

async function start(app: FastifyInstance): Promise<RunningAdapter> {
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  return { origin, close: () => app.close() };
}

const ways: Ways<FastifyReply> = {
  "headers with an object": (reply, { status, head, body }) => {
    reply.code(status).headers(head.object).send(payloadOf(body));
  },
  "header with lists": (reply, { status, head, body }) => {
    for (const [name, value] of Object.entries(head.object)) reply.header(name, value);
    reply.code(status).send(payloadOf(body));
  },
  "send with a Response": (reply, answer) => {
    reply.send(share(fetchWays, undefined, { ...answer, way: "one Response for all" }));
  },
  ...Object.fromEntries(
    Object.entries(nodeWays).map(([name, way]) => [
      `hijack, ${name}`,
      (reply: FastifyReply, answer: SharedReply) => {
        reply.hijack();
        way(reply.raw, answer);
      },
    ]),
  ),
};

function payloadOf(body: SharedReply["body"]): string | Readable | undefined {
  return body === null || typeof body === "string" ? (body ?? undefined) : Readable.from(body);
}

function mount(app: FastifyInstance, route: AdapterRoute): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      const answer = await route.handle(request.session);
      if (answer.kind === "shared") {
        share(ways, reply, answer);
        return reply;
      }
      if (answer.kind === "redirect") return reply.redirect(answer.location);
      if (answer.kind === "empty") return reply.code(answer.status).send();
      if (answer.kind === "stream") return reply.type("text/plain").send(Readable.from(answer.chunks));
      for (const [name, value] of answer.headers ?? []) reply.header(name, value);
      return reply.code(answer.status ?? 200).send(answer.body);
    },
  });
}

const serve: ServeAdapter = ({ sessions, routes, shared }) => {
  const app = fastify(shared({ forceCloseConnections: true }));
  app.register(session(sessions));
  app.after(() => {
    for (const route of routes) mount(app, route);
  });
  return start(app);
};

describe("the fastify adapter conforms", () => testAll(adapterConformance(serve, { sharedHeads: Object.keys(ways) })));
testSessionObject(serve);
testCrossSite(serve);

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

function make(options: object = {}): FastifyInstance {
  const app = fastify({ forceCloseConnections: true, ...options });
  apps.push(app);
  return app;
}

describe.each(backends)("on fastify, %s", (_, sessionsOf) => {
  test.each(replacements)("a session that is replaced by %s is an error for the app's handler", async (_, value) => {
    const app = make();
    const errors: unknown[] = [];
    app.register(session(sessionsOf()));
    app.setErrorHandler((error, _request, reply) => {
      errors.push(error);
      return reply.code(500).send("sorry");
    });
    app.get("/:path", async (request) => {
      const { path } = request.params as { path: string };
      if (path === "sign-in") request.session.set("cart", "tea").login("ann");
      if (path === "cart") return `${request.session.userId} with ${request.session.get("cart")}`;
      if (path === "change-and-replace") request.session.set("cart", "coffee");
      if (path.endsWith("replace")) sloppy("request.session = value", { request, value });
      return "done";
    });
    await replacedSession((await start(app)).origin, () => errors.at(-1));
  });

  test("an onResponse hook reads the session of a page that did not", async () => {
    const app = make();
    const lines: string[] = [];
    app.register(session(sessionsOf()));
    app.addHook("onResponse", async (request) => void lines.push(`${request.url} ${request.session.userId}`));
    app.get("/sign-in", async ({ session }) => String(session.login("ann")));
    app.get("/plain", async () => "plain");
    app.get("/hijacked", (_request, reply) => void reply.hijack().raw.end("plain"));
    const ann = new Client((await start(app)).origin);
    for (const path of ["/plain", "/sign-in", "/plain", "/hijacked"]) await ann.get(path);
    await expect.poll(() => lines).toEqual(["/plain null", "/sign-in ann", "/plain ann", "/hijacked ann"]);
  });

  test("inject() sees the cookie, and the session is there for hooks and routes declared beside it", async () => {
    const app = make();
    app.register(session(sessionsOf()));
    app.addHook("preHandler", async (request) => void request.session.set("hooked", true));
    app.get("/", async (request) => request.session.keys());
    const reply = await app.inject("/");
    expect([reply.json(), reply.cookies.length]).toEqual([["hooked"], 1]);
  });

  test("a hijacked reply and a raw one are held until the save", async () => {
    const app = make();
    app.register(session(sessionsOf()));
    app.get("/hijacked", (request, reply) => {
      request.session.set("seen", true);
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "text/event-stream" });
      reply.raw.write("data: one\n\n");
      reply.raw.end("data: two\n\n");
    });
    const visitor = new Client((await start(app)).origin);
    const reply = await visitor.get("/hijacked");
    expect([reply.body, sessionCookies(reply).length]).toEqual(["data: one\n\ndata: two\n\n", 1]);
  });

  test("a hijacked reply whose save fails is answered with the error's status", async () => {
    const sessions = sessionsOf();
    const app = make();
    app.register(session(sessions));
    app.get("/", (_request, reply) => {
      reply.hijack();
      reply.raw.end("lost");
    });
    sessions.failWith(down);
    const reply = await exchange((await start(app)).origin, { path: "/" });
    expect([reply.status, reply.body, headerOf(reply, "retry-after")]).toEqual([503, "Service Unavailable", "5"]);
  });

  test("a failing save reaches the app's error handler with a clean head, and stops what fed the reply", async () => {
    let cancelled = 0;
    const cancel = () => void cancelled++;
    const file = Readable.from(["a", "b"]);
    const bodies = [file, new ReadableStream({ cancel }), new Response(new ReadableStream({ cancel }))];
    for (const body of bodies) {
      const sessions = sessionsOf();
      const app = make();
      app.register(session(sessions));
      const seen: unknown[] = [];
      app.setErrorHandler((error, _request, reply) => {
        seen.push(error);
        return reply.code(503).send({ sorry: true });
      });
      app.get("/", (request, reply) => {
        request.session.set("seen", true);
        return reply.header("location", "/next").header("etag", "1").type("image/png").send(body);
      });
      sessions.failWith(down);
      const { statusCode, headers, ...reply } = await app.inject("/");
      expect([statusCode, reply.json(), seen]).toEqual([503, { sorry: true }, [down]]);
      expect([headers.location, headers.etag, headers["set-cookie"]]).toEqual([undefined, undefined, undefined]);
    }
    expect([file.destroyed, cancelled]).toEqual([true, 2]);
  });

  test("a part of the app may have sessions of its own", async () => {
    const [users, admins] = [sessionsOf(), sessionsOf()];
    const app = make();
    app.register(session(users));
    app.register(session(users));
    app.register(async (part) => {
      part.register(session(admins));
      part.get("/admin", async (request) => request.session.update("n", (n) => Number(n ?? 0) + 1));
    });
    app.get("/", async (request) => request.session.update("n", (n) => Number(n ?? 0) + 1));
    expect([(await app.inject("/")).body, users.commits, admins.commits]).toEqual(["1", 1, 0]);
    expect([(await app.inject("/admin")).body, users.commits, admins.commits]).toEqual(["1", 2, 1]);
  });
});

test("behind a proxy that is trusted, its headers say where the visitor is", async () => {
  const statuses: number[] = [];
  for (const trustProxy of [true, false]) {
    const app = make({ trustProxy });
    app.register(session(storedSessions()));
    app.post("/", async () => "ok");
    const headers = { origin: "https://app.example", "x-forwarded-proto": "https", "x-forwarded-host": "app.example" };
    statuses.push((await app.inject({ method: "POST", url: "/", headers })).statusCode);
  }
  expect(statuses).toEqual([200, 403]);
});

describe.each(backends)("on fastify, %s", (_, make) => {
  test("a list for reply.header that all responses share carries nobody's cookie to the next", async () => {
    const list = [...clearOld];
    const app = fastify();
    await app.register(session(make()));
    app.get("/in", (request, reply) => {
      request.session.login("ada");
      return reply.header("set-cookie", list).send("done");
    });
    app.get("/page", (_request, reply) => reply.header("set-cookie", list).send("done"));
    for (let round = 0; round < 3; round++) {
      const [ada, stranger] = [await app.inject("/in"), await app.inject("/page")];
      expect([ada.headers["set-cookie"]?.length, stranger.headers["set-cookie"]]).toEqual([3, clearOld]);
    }
    expect(list).toEqual(clearOld);
    await app.close();
  });
});
