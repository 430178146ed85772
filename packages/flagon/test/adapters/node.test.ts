import { EventEmitter, once } from "node:events";
import { createServer as createHttpServer, type RequestListener, type ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server, createSecureServer } from "node:http2";
import { get as httpsGet } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { type SessionRequest, session } from "../../src/adapters/node.ts";
import { SessionError } from "../../src/errors.ts";
import { Client, sessionCookies } from "../../src/testing/adapter/client.ts";
import { exchange, headerOf } from "../../src/testing/adapter/raw-http.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { certificate } from "./certificate.ts";
import { testCrossSite } from "./cross-site.ts";
import { backends, down, listen, servers, storedSessions, testAll } from "./listen.ts";
import { sendWithNode } from "./reply.ts";
import { replacedSession, replacements, sloppy, testSessionObject } from "./session-object.ts";
import { nodeWays } from "./shared-head.ts";
import { clearOld, testSharedObjects } from "./shared-objects.ts";

const serve: ServeAdapter = ({ sessions, routes }) =>
  listen(
    session(sessions, async (request, response) => {
      const method = request.method === "HEAD" ? "GET" : request.method;
      const route = routes.find((each) => each.method === method && each.path === request.url);
      try {
        if (route === undefined) response.writeHead(404).end();
        else sendWithNode(response, await route.handle(request.session));
      } catch (error) {
        // Node has no error path: the app's own errors are the app's to answer, the session's are the adapter's.
        if (error instanceof SessionError) throw error;
        response.writeHead(500).end();
      }
    }),
  );

describe("the node adapter conforms", () => testAll(adapterConformance(serve, { sharedHeads: Object.keys(nodeWays) })));
testSessionObject(serve);
testCrossSite(serve);

const start = servers();

describe.each(backends)("on node, %s", (_, make) => {
  test.each(replacements)("a session that is replaced by %s is answered with 500 and a warning", async (_, value) => {
    const warnings: unknown[] = [];
    const warn = vi.spyOn(process, "emitWarning").mockImplementation((warning) => void warnings.push(warning));
    const origin = await start(
      session(make(), (request, response) => {
        const { session, url = "" } = request;
        if (url === "/sign-in") session.set("cart", "tea").login("ann");
        if (url === "/change-and-replace") session.set("cart", "coffee");
        if (url.endsWith("replace")) sloppy("request.session = value", { request, value });
        response.end(`${session.userId} with ${session.get("cart")}`);
      }),
    );
    await replacedSession(origin, () => warnings.at(-1));
    warn.mockRestore();
  });

  test("the session is on the request, and the handler's answer is handed back", async () => {
    const handler = session(make(), (request, response) => {
      response.end(String(request.session.update("visits", (n) => Number(n ?? 0) + 1)));
      return "handed back";
    });
    const answers: unknown[] = [];
    const visitor = new Client(
      await start(async (request, response) => answers.push(await handler(request, response))),
    );
    expect([(await visitor.get("/")).body, (await visitor.get("/")).body]).toEqual(["1", "2"]);
    expect(answers).toEqual(["handed back", "handed back"]);
  });

  test("a session error is answered with its status, whether thrown, rejected or from the save", async () => {
    const sessions = make();
    const handlers = [
      () => {
        throw down;
      },
      () => Promise.reject(down),
    ];
    for (const handler of handlers) {
      const reply = await exchange(await start(session(sessions, handler)), { path: "/" });
      expect([reply.status, headerOf(reply, "retry-after"), reply.body]).toEqual([503, "5", "Service Unavailable"]);
    }
    sessions.failWith(down);
    const lost = session(sessions, (_, response) => response.writeHead(302, { location: "/" }).end());
    const reply = await exchange(await start(lost), { path: "/" });
    expect([reply.status, headerOf(reply, "location"), headerOf(reply, "cache-control")]).toEqual([
      503,
      null,
      "no-store",
    ]);
  });

  test("what else the handler throws stays the app's", async () => {
    const error = new Error("thrown by the handler");
    const caught: unknown[] = [];
    const failing = [
      session(make(), () => {
        throw error;
      }),
      session(make(), () => Promise.reject(error)),
    ];
    for (const handler of failing) {
      const origin = await start(async (request, response) => {
        try {
          await handler(request, response);
        } catch (error) {
          caught.push(error);
          response.writeHead(500).end("the app's own");
        }
      });
      expect((await exchange(origin, { path: "/" })).body).toBe("the app's own");
    }
    expect(caught).toEqual([error, error]);
  });

  test("Node's own way to answer a rejected handler works", async () => {
    EventEmitter.captureRejections = true;
    const server = createHttpServer(
      session(make(), async (request) => {
        request.session.set("seen", true);
        throw new Error("thrown by the handler");
      }),
    ).listen(0, "127.0.0.1");
    EventEmitter.captureRejections = false;
    await once(server, "listening");
    const reply = await exchange(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { path: "/" });
    server.close();
    expect([reply.status, sessionCookies(reply).length]).toEqual([500, 1]);
  });

  test("a session error after the response has started ends the connection", async () => {
    const handler = session(make(), (_, response) => {
      response.setHeader("content-length", "100");
      response.write("half");
      throw down;
    });
    const reply = await exchange(await start(handler), { path: "/" }).catch((error: Error) => error.message);
    expect(
      reply === "the connection was closed without a response" || (reply as { isWhole: boolean }).isWhole === false,
    ).toBe(true);
  });

  test("HTTP/2 in clear text counts", async () => {
    const server = createHttp2Server(session(make(), count)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const first = await http2Get(client, {});
    const second = await http2Get(client, { cookie: first.cookie });
    client.close();
    server.close();
    expect([first.body, second.body]).toEqual(["1", "2"]);
  });

  test("a secure server counts over HTTP/2 and, where it allows that, over HTTP/1.1", async () => {
    const server = createSecureServer({ ...certificate, allowHTTP1: true }, session(make(), count)).listen(
      0,
      "127.0.0.1",
    );
    await once(server, "listening");
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = connect(origin, { ca: certificate.cert });
    const first = await http2Get(client, {});
    client.close();
    const second = await new Promise<string>((resolve, reject) => {
      httpsGet(origin, { ca: certificate.cert, headers: { cookie: first.cookie }, agent: false }, async (response) => {
        let body = "";
        for await (const chunk of response) body += chunk;
        resolve(body);
      }).on("error", reject);
    });
    server.close();
    expect([first.body, second, first.attributes.includes("Secure")]).toEqual(["1", "2", true]);
  });
});

function count(request: SessionRequest<Record<string, unknown>>, response: ServerResponse): void {
  response.end(String(request.session.update("visits", (n) => Number(n ?? 0) + 1)));
}

async function http2Get(client: ReturnType<typeof connect>, headers: Record<string, string>) {
  const stream = client.request({ ":path": "/", ...headers });
  const [head] = await once(stream, "response");
  let body = "";
  for await (const chunk of stream) body += chunk;
  const [line = ""] = (head["set-cookie"] as string[] | undefined) ?? [];
  const [cookie = "", ...attributes] = line.split("; ");
  return { body, cookie, attributes };
}

test("an unforeseen failure of the save is a 500 and a warning", async () => {
  const sessions = storedSessions();
  const error = new Error("unforeseen");
  sessions.failWith(error);
  const warned = once(process, "warning");
  const reply = await exchange(await start(session(sessions, (_, response) => response.end("lost"))), { path: "/" });
  expect([reply.status, reply.body, await warned]).toEqual([500, "Internal Server Error", [error]]);
});

describe.each(backends)("on node, %s", (_, make) => {
  const start = servers();
  const forms: [how: string, form: unknown, write: (response: ServerResponse, form: never) => void][] = [
    ["an object of headers", { "Set-Cookie": [...clearOld] }, (response, form) => response.writeHead(200, form)],
    ["a flat list of headers", ["Set-Cookie", [...clearOld]], (response, form) => response.writeHead(200, form)],
    [
      "an object of headers beside a reason",
      { "set-cookie": [...clearOld] },
      (response, form) => response.writeHead(200, "Fine", form),
    ],
    ["a list for setHeader", [...clearOld], (response, form) => response.setHeader("Set-Cookie", form)],
    ["Headers for setHeaders", new Map([["set-cookie", [...clearOld]]]), (response, form) => response.setHeaders(form)],
  ];
  for (const [how, form, write] of forms) {
    const listener = session(make(), (request, response) => {
      if (request.url === "/in") request.session.login("ada");
      write(response, form as never);
      response.end("done");
    });
    testSharedObjects(
      how,
      () => start(listener as RequestListener),
      () => (form instanceof Map ? [...form] : form),
    );
  }
});
