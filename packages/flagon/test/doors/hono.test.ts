import { serve as serveNode } from "@hono/node-server";
import { Hono } from "hono";
import { stream } from "hono/streaming";
import { describe } from "vitest";
import { type SessionEnv, session } from "../../src/hono.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { testAll } from "./listen.ts";

const serve: ServeAdapter = async ({ sessions, routes }) => {
  const app = new Hono<SessionEnv>();
  app.use(session(sessions));
  for (const route of routes) {
    app.on(route.method, route.path, async (c) => {
      const reply = await route.handle(c.get("session"));
      if (reply.kind === "redirect") return c.redirect(reply.location);
      if (reply.kind === "empty") return c.body(null, reply.status as 204);
      if (reply.kind === "stream") {
        return stream(c, async (body) => {
          for await (const chunk of reply.chunks) await body.write(chunk);
        });
      }
      for (const [name, value] of reply.headers ?? []) c.header(name, value, { append: true });
      return c.text(reply.body, (reply.status ?? 200) as 200);
    });
  }
  app.onError((error, c) => ("getResponse" in error ? (error.getResponse as () => Response)() : c.text("error", 500)));
  return new Promise((resolve) => {
    const server = serveNode({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
      resolve({ origin: `http://127.0.0.1:${port}`, close: () => new Promise((closed) => server.close(closed)) });
    });
  });
};

describe("the hono door conforms", () => testAll(adapterConformance(serve)));
