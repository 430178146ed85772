/** Sockets as people open them: each reads the session of its handshake, changes nothing, and lets no other site's page in. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import websocket from "@fastify/websocket";
import express, { type Request, type Response } from "express";
import fastify from "fastify";
import { createSessions, type Session } from "flagon";
import { session } from "flagon/express";
import { session as fastifySession } from "flagon/fastify";
import { memoryStore } from "flagon/memory";
import { type Socket, Server as SocketServer } from "socket.io";
import { io as connect } from "socket.io-client";
import { WebSocket } from "ws";

const secret = "only for the tests of sockets: Wq8ZrT5nYb2KdM7x";
const backends = { sealed: createSessions({ secret }), stored: createSessions({ secret, store: memoryStore() }) };
const readOnly = /can only read its session|after the response had started/;
const closing: (() => unknown)[] = [];
after(() => Promise.all(closing.map((close) => close())));

/** What a socket's handler can tell of its session. */
function told(session: Session): string {
  assert.throws(
    () => session.login("eve"),
    (error: Error) => readOnly.test(error.message) && /sessions\.update/.test(error.message),
  );
  return `hello ${session.userId}`;
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/login`, { method: "POST" });
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

for (const [backend, sessions] of Object.entries(backends)) {
  const uses: Record<string, (io: SocketServer) => void> = {
    "io.engine.use(session(sessions))": (io) => io.engine.use(session(sessions)),
    "io.use with the handshake's request": (io) => {
      const open = session(sessions);
      io.use((socket, next) => open(socket.request as Request, {} as Response, next as (error?: unknown) => void));
    },
  };
  for (const [name, use] of Object.entries(uses)) {
    for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
      test(`Socket.IO, ${backend}: ${name}, ${transports.join(" then ")}`, async () => {
        const app = express();
        app.use(session(sessions));
        app.post("/login", (request, response) => {
          request.session.login("ada");
          response.end();
        });
        const server = createServer(app);
        const io = new SocketServer(server);
        closing.push(() => io.close());
        use(io);
        io.on("connection", (socket: Socket) => {
          socket.on("who", (answer: (text: string) => void) => answer(told((socket.request as Request).session)));
        });
        const url = await listen(server);
        const cookie = await signIn(url);
        const who = async (extraHeaders: Record<string, string>): Promise<string> => {
          const client = connect(url, { transports, extraHeaders, reconnection: false, forceNew: true });
          try {
            return await new Promise<string>((resolve) => {
              client.on("connect_error", () => resolve("refused"));
              client.on("connect", () => client.emit("who", resolve));
            });
          } finally {
            client.disconnect();
          }
        };
        assert.equal(await who({ cookie }), "hello ada");
        assert.equal(await who({}), "hello null");
        // A poll that only reads is a GET like any page's: CORS, which Socket.IO leaves off, keeps what it says from that page.
        if (transports[0] === "websocket")
          assert.equal(await who({ cookie, origin: "https://elsewhere.example" }), "refused");
      });
    }
  }

  test(`@fastify/websocket, ${backend}`, async () => {
    const app = fastify();
    closing.push(() => app.close());
    await app.register(websocket);
    await app.register(fastifySession(sessions));
    app.post("/login", async (request) => {
      request.session.login("ada");
      return "";
    });
    app.get("/socket", { websocket: true }, (socket, request) => socket.send(told(request.session)));
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    const cookie = await signIn(url);
    const who = (headers: Record<string, string>): Promise<string> =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${url.replace("http", "ws")}/socket`, { headers });
        socket.on("error", (error) => resolve(error.message));
        socket.on("message", (data) => {
          resolve(String(data));
          socket.close();
        });
      });
    assert.equal(await who({ cookie }), "hello ada");
    assert.equal(await who({}), "hello null");
    assert.match(await who({ cookie, origin: "https://elsewhere.example" }), /403/);
  });
}
