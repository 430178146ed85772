import { once } from "node:events";
import { createServer, type IncomingMessage, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Request, Response } from "express";
import { createSessions, type Sessions } from "flagon";
import { session as forExpress } from "flagon/express";
import { memoryStore } from "flagon/memory";
import { session as forNode, type SessionRequest, upgrade } from "flagon/node";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import type { Session } from "../../src/session.ts";

const secret = "M4pG0kq2v7yRkQe1Xc9TzLwJ5sUbN8fD";
const places: [string, () => Sessions][] = [
  ["sealed in the cookie", () => createSessions({ secret })],
  ["in a store", () => createSessions({ secret, store: memoryStore() })],
];
type Listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => unknown;
type Accept = (request: SessionRequest, socket: Duplex, head: Buffer) => unknown;

/** The ways in which a server lets sockets in. */
const ways: [string, (sessions: Sessions, accept: Accept) => Listener][] = [
  ["flagon/node", (sessions, accept) => upgrade(sessions, accept)],
  [
    "flagon/express with no response",
    (sessions, accept) => {
      const open = forExpress(sessions);
      return (request, socket, head) => {
        open(request as Request, {} as Response, (error) => {
          if (error) socket.end(`HTTP/1.1 ${error.status} Refused\r\nConnection: close\r\n\r\n`);
          else accept(request as SessionRequest, socket, head);
        });
      };
    },
  ],
];

let close: () => void = () => {};
afterEach(() => close());

/** A server with a page that signs in, and sockets that are given their session. */
async function serve(sessions: Sessions, way: (sessions: Sessions, accept: Accept) => Listener, greet: Greet) {
  const server = createServer(
    forNode(sessions, (request, response) => {
      request.session.login("ada");
      response.end(request.session.id);
    }),
  );
  const sockets = new WebSocketServer({ noServer: true });
  const listener = way(sessions, (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (ws) => ws.send(greet(request.session)));
  });
  server.on("upgrade", listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  close = () => {
    sockets.close();
    server.close();
    server.closeAllConnections();
  };
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

type Greet = (session: Session) => string;

async function signIn(host: string): Promise<string> {
  const { headers } = await fetch(`http://${host}/`, { method: "POST" });
  return headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

/** What the first message says, or the status of the refusal. */
function connect(host: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const handshake = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
    const asked = send(`http://${host}/`, {
      headers: { ...handshake, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", ...headers },
    });
    asked.on("error", reject);
    asked.on("response", ({ statusCode }) => resolve(String(statusCode)));
    asked.on("upgrade", (_response, socket, head) => {
      const read = (frame: Buffer): void => {
        resolve(frame.subarray(2).toString());
        socket.destroy();
      };
      if (head.length > 0) read(head);
      else socket.once("data", read);
    });
    asked.end();
  });
}

describe.each(places)("a socket's handshake, sessions %s", (_place, make) => {
  it.each(ways)("reads its session by %s", async (_way, way) => {
    const host = await serve(make(), way, (session) => `hello ${session.userId}`);
    expect(await connect(host, { cookie: await signIn(host) })).toBe("hello ada");
    expect(await connect(host, {})).toBe("hello null");
  });

  it.each(ways)("from another origin is refused by %s", async (_way, way) => {
    const host = await serve(make(), way, () => "in");
    const cookie = await signIn(host);
    expect(await connect(host, { cookie, origin: "https://elsewhere.example" })).toBe("403");
    expect(await connect(host, { cookie, origin: `http://${host}` })).toBe("in");
  });

  it.each(ways)("changes nothing, and says what does, by %s", async (_way, way) => {
    const sessions = make();
    const changes: ((session: Session<Record<string, unknown>>) => unknown)[] = [
      (session) => session.set("n", 1),
      (session) => session.login("eve"),
      (session) => session.logout(),
      (session) => session.rotate(),
      (session) => session.flash("hello"),
      (session) => session.csrfToken(),
    ];
    const messages = new Set<string>();
    const host = await serve(sessions, way, (session) => {
      for (const change of changes) {
        try {
          change(session as unknown as Session<Record<string, unknown>>);
          messages.add("done");
        } catch (error) {
          messages.add((error as Error).message);
        }
      }
      return `${session.userId}`;
    });
    const cookie = await signIn(host);
    expect(await connect(host, { cookie })).toBe("ada");
    expect([...messages]).toEqual([
      "a socket's handshake can only read its session; from outside a request use sessions.update(session.id, …)",
    ]);
    expect(await connect(host, { cookie })).toBe("ada");
  });
});

it("a handshake whose store gives no answer is refused, and takes nobody in", async () => {
  const store = memoryStore();
  const host = await serve(createSessions({ secret, store }), upgrade, () => "in");
  const cookie = await signIn(host);
  store.read = () => Promise.reject(new Error("down"));
  expect(await connect(host, { cookie })).toBe("503");
});

it("a message on a socket changes its session by sessions.update", async () => {
  const sessions = createSessions<Record<string, unknown>>({ secret, store: memoryStore() });
  const ids: string[] = [];
  const host = await serve(sessions as unknown as Sessions, upgrade, (session) => {
    ids.push(session.id);
    return `${(session as unknown as Session<Record<string, unknown>>).get("room")}`;
  });
  const cookie = await signIn(host);
  expect(await connect(host, { cookie })).toBe("undefined");
  expect(await sessions.update(ids[0] ?? "", (session) => void session.set("room", "blue"))).toBe(true);
  expect(await connect(host, { cookie })).toBe("blue");
});
