import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import express from "express";
import fastify from "fastify";
import Koa from "koa";
import { describe, expect, test } from "vitest";
import { session as expressSession } from "../../src/adapters/express.ts";
import { session as fastifySession } from "../../src/adapters/fastify.ts";
import { session as koaSession } from "../../src/adapters/koa.ts";
import { session as nodeSession } from "../../src/adapters/node.ts";
import { createSessions, type Sessions } from "../../src/index.ts";
import { servers } from "./listen.ts";

const start = servers();

const adapters: [name: string, serve: (sessions: Sessions) => Promise<string>][] = [
  ["node", (sessions) => start(nodeSession(sessions, (_, response) => response.end("ok")))],
  [
    "express",
    (sessions) => {
      const app = express().use(expressSession(sessions));
      return start(app.post("/{*path}", (_, response) => void response.send("ok")));
    },
  ],
  [
    "koa",
    (sessions) => {
      const app = new Koa().use(koaSession(sessions));
      app.silent = true;
      app.use((ctx) => {
        ctx.body = "ok";
      });
      return start(app.callback());
    },
  ],
  [
    "fastify",
    async (sessions) => {
      const app = fastify();
      app.register(fastifySession(sessions));
      app.post("/*", () => "ok");
      await app.ready();
      return start((request, response) => app.routing(request, response));
    },
  ],
];

/** The status that a request of HTTP/1.0, which needs no Host, is answered with. */
async function post(server: string, path: string, ...headers: string[]): Promise<string | undefined> {
  const { hostname, port } = new URL(server);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.end([`POST ${path} HTTP/1.0`, "Content-Length: 0", ...headers, "", ""].join("\r\n"));
  return /^HTTP\/1\.1 (\d+)/.exec(await text(socket))?.[1];
}

describe.each(adapters)("on %s, a request without Host", (_, serve) => {
  const secret = "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x";

  test("comes from no host, so no Origin is its own", async () => {
    const server = await serve(createSessions({ secret }));
    expect(await post(server, "/", "Origin: http://localhost")).toBe("403");
    expect(await post(server, "/", "Origin: http://localhost", "Host: ")).toBe("403");
    expect(await post(server, "/", "Origin: http://localhost", "Host: localhost")).toBe("200");
    expect(await post(server, "/")).toBe("200");
  });

  test("still has a URL that csrf.exempt can take apart", async () => {
    const csrf = { exempt: ({ url }: { url: string }) => new URL(url).pathname === "/webhook" };
    const server = await serve(createSessions({ secret, csrf }));
    expect(await post(server, "/webhook", "Origin: http://localhost")).toBe("200");
    expect(await post(server, "/other", "Origin: http://localhost")).toBe("403");
  });
});
