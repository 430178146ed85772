import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import Fastify from "fastify";
import { H3 } from "h3";
import { toNodeHandler } from "h3/node";
import { Hono } from "hono";
import Koa from "koa";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Server, startNginx } from "../../../../test/support/services/index.ts";
import { session as expressSession } from "../../src/adapters/express.ts";
import { session as fastifySession } from "../../src/adapters/fastify.ts";
import { session as h3Session } from "../../src/adapters/h3.ts";
import { session as honoSession, type SessionEnv } from "../../src/adapters/hono.ts";
import { session as koaSession } from "../../src/adapters/koa.ts";
import { session as nodeSession } from "../../src/adapters/node.ts";
import type { Session } from "../../src/session.ts";
import type { RunningAdapter } from "../../src/testing.ts";
import { certificate } from "./certificate.ts";
import { listen } from "./listen.ts";

const options = { secret: "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x" };
const signIn = (session: Session): string => {
  session.login("ada");
  return "signed in";
};

const adapters: [name: string, serve: () => RunningAdapter | Promise<RunningAdapter>][] = [
  [
    "express",
    () => {
      const app = express().use(expressSession(options));
      return listen(app.all("/", (request, response) => void response.send(signIn(request.session))));
    },
  ],
  [
    "fastify",
    async () => {
      const app = Fastify();
      app.register(fastifySession(options));
      app.all("/", (request) => signIn(request.session));
      return { origin: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
    },
  ],
  [
    "koa",
    () => {
      const app = new Koa().use(koaSession(options)).use((ctx) => {
        ctx.body = signIn(ctx.session);
      });
      return listen(app.callback());
    },
  ],
  ["node", () => listen(nodeSession(options, ({ session }, response) => response.end(signIn(session as Session))))],
  [
    "hono",
    () => {
      const app = new Hono<SessionEnv>().use(honoSession(options));
      app.all("/", (c) => c.text(signIn(c.get("session"))));
      // With Hono's own Response in the global's place, h3 in the same process answers its errors with 200.
      return listen(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
    },
  ],
  [
    "h3",
    () => {
      const app = new H3().use(h3Session(options)).all("/", (event) => signIn(event.context.session));
      return listen(toNodeHandler(app));
    },
  ],
];

/** A POST to https://shop.example. */
async function postThrough({ port }: Server, headers: Record<string, string>): Promise<IncomingMessage> {
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const all = { host: "shop.example", ...headers };
    // The throwaway certificate is not shop.example's.
    request({ host: "127.0.0.1", port, method: "POST", headers: all, rejectUnauthorized: false, agent: false }, resolve)
      .on("error", reject)
      .end();
  });
}

/** A sign-in there, and the cookie that it sets. */
async function signInThrough(nginx: Server, headers: Record<string, string> = {}): Promise<string> {
  const response = await postThrough(nginx, { "sec-fetch-site": "same-origin", ...headers });
  response.resume();
  expect(response.statusCode).toBe(200);
  return String(response.headers["set-cookie"]);
}

const secure = /^__Host-Http-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/;
const plain = /^session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/;

describeWith("nginx")("behind nginx, over https, where NODE_ENV is not set", () => {
  const running: RunningAdapter[] = [];
  const warn = vi.spyOn(process, "emitWarning");

  beforeEach(() => {
    vi.stubEnv("NODE_ENV", undefined);
    warn.mockReset().mockImplementation(() => {});
    Reflect.deleteProperty(globalThis, Symbol.for("flagon.proxySeen"));
  });

  afterEach(async () => {
    for (const { close } of running.splice(0)) await close();
    vi.unstubAllEnvs();
  });

  afterAll(() => warn.mockRestore());

  async function start(serve: (typeof adapters)[number][1], more = ""): Promise<{ nginx: Server; direct: string }> {
    const app = await serve();
    running.push(app);
    const location = `proxy_pass http://localhost:${new URL(app.origin).port}; ${more}`;
    return { nginx: await startNginx({ ...certificate, location }), direct: app.origin };
  }

  test.each(adapters)("with proxy_pass and no more, %s makes a Secure cookie", async (_, serve) => {
    const { nginx, direct } = await start(serve);
    await using _server = nginx;
    expect(await signInThrough(nginx)).toMatch(secure);
    // What the developer gets who comes without the proxy.
    const response = await fetch(direct, { method: "POST" });
    expect(response.headers.getSetCookie().join()).toMatch(plain);
    expect(warn).not.toHaveBeenCalled();
  });

  test.each(adapters)("in HTTP/1.1, %s makes Secure cookies from the first form on", async (_, serve) => {
    const { nginx } = await start(serve, 'proxy_http_version 1.1; proxy_set_header Connection "";');
    await using _server = nginx;
    expect(await signInThrough(nginx, { origin: "https://shop.example" })).toMatch(secure);
    expect(await signInThrough(nginx)).toMatch(secure);
    expect(warn).toHaveBeenCalledOnce();
    expect(String(warn.mock.calls[0]?.[0])).toContain("https://shop.example");
  });

  test("a link from a search engine will do as well", async () => {
    const [, serve] = adapters[0] as (typeof adapters)[number];
    const { nginx } = await start(serve, "proxy_http_version 1.1;");
    await using _server = nginx;
    expect(await signInThrough(nginx, { referer: "https://search.example/" })).toMatch(secure);
    expect(await signInThrough(nginx)).toMatch(secure);
  });

  test.each(adapters)("%s knows a proxy that passes its visitor on", async (_, serve) => {
    const { nginx } = await start(serve, "proxy_http_version 1.1; proxy_set_header X-Real-IP $remote_addr;");
    await using _server = nginx;
    expect(await signInThrough(nginx)).toMatch(secure);
    expect(warn).not.toHaveBeenCalled();
  });

  test.each(adapters)(
    "%s refuses a form that it can't know for its own, and says that the proxy is why",
    async (_, serve) => {
      const forwarding = "proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto https;";
      const { nginx, direct } = await start(serve, forwarding);
      await using _server = nginx;
      const refused = await postThrough(nginx, { origin: "https://shop.example" });
      expect([refused.statusCode, (await text(refused)).includes("a proxy says")]).toEqual([403, true]);
      await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce());
      expect(String(warn.mock.calls[0]?.[0])).toContain(
        `its Origin is https://shop.example, this server's https://localhost:${new URL(direct).port}; a proxy says "shop.example" and is not trusted: have it pass Host on`,
      );
    },
  );

  test.each(adapters)("%s knows its own form once the proxy passes Host on", async (_, serve) => {
    const { nginx } = await start(serve, "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;");
    await using _server = nginx;
    const answer = await postThrough(nginx, { origin: "https://shop.example" });
    expect([answer.statusCode, await text(answer)]).toEqual([200, "signed in"]);
  });
});
