import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve, upgradeWebSocket } from "@hono/node-server";
import { createSessions } from "flagon";
import { type SessionEnv, session } from "flagon/hono";
import { memoryStore } from "flagon/memory";
import { Hono } from "hono";
import { afterEach, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";

const secret = "M4pG0kq2v7yRkQe1Xc9TzLwJ5sUbN8fD";
let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it.each([
  ["sealed in the cookie", {}],
  ["in a store", { store: memoryStore() }],
])("Hono's sockets on Node read the session of their handshake, %s", async (_place, place) => {
  const app = new Hono<SessionEnv>();
  app.use(session(createSessions({ secret, ...place })));
  app.post("/login", (c) => {
    c.get("session").login("ada");
    return c.text("");
  });
  const socket = upgradeWebSocket((c) => ({
    onOpen(_event, ws) {
      const { userId } = c.get("session");
      expect(() => c.get("session").login("eve")).toThrow("use sessions.update");
      ws.send(`hello ${userId}`);
    },
  }));
  app.get("/socket", socket);
  const websocket = { server: new WebSocketServer({ noServer: true }) as never };
  server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1", websocket }) as Server;
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const signedIn = await fetch(`http://${host}/login`, { method: "POST" });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const who = (headers: Record<string, string>): Promise<string> =>
    new Promise((resolve) => {
      const client = new WebSocket(`ws://${host}/socket`, { headers });
      client.on("error", (error) => resolve(error.message));
      client.on("message", (data) => {
        resolve(String(data));
        client.close();
      });
    });
  expect(await who({ cookie })).toBe("hello ada");
  expect(await who({})).toBe("hello null");
  expect(await who({ cookie, origin: "https://elsewhere.example" })).toContain("403");
});
