import { once } from "node:events";
import { Agent, createServer, get, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createSessions, type Sessions, type Store } from "flagon";
import { session } from "flagon/node";
import { type Data, SECRET } from "../../browser.ts";

/** One instance of an app, on a port of its own. */
export interface Instance {
  readonly origin: string;
  readonly sessions: Sessions<Data>;
  /** Resolves when so many requests at /slow have seen their session and wait. */
  arrived(count: number): Promise<void>;
  /** Lets them go on. */
  release(): void;
  close(): Promise<void>;
}

export async function startInstance(store: Store): Promise<Instance> {
  const sessions = createSessions<Data>({ secret: SECRET, store, storeTimeout: "30s" });
  let waiting: (() => void)[] = [];
  let told: () => void = () => {};
  const handler = session<Data>(sessions, async (request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const own = request.session;
    const n = url.searchParams.get("n") ?? "";
    switch (url.pathname) {
      case "/login":
        own.login(n);
        break;
      case "/logout":
        own.logout();
        break;
      case "/rotate":
        own.rotate();
        break;
      case "/key":
        own.set(`key${n}`, Number(n));
        own.update("count", (count) => Number(count ?? 0) + 1);
        break;
      case "/slow":
        own.set(`slow${n}`, Number(n));
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          told();
        });
        break;
    }
    response.end(JSON.stringify({ id: own.id, userId: own.userId, data: Object.fromEntries(own.entries()) }));
  });
  const server: Server = createServer(handler as Parameters<typeof createServer>[1]);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions,
    arrived: async (count) => {
      while (waiting.length < count) {
        await new Promise<void>((resolve) => {
          told = resolve;
        });
      }
    },
    release: () => {
      for (const go of waiting.splice(0)) go();
      waiting = [];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export interface Reply {
  readonly status: number;
  readonly setCookie: string | null;
  readonly userId: string | null;
  readonly data: Data;
}

/** One request over a socket. */
export async function ask(origin: string, path: string, cookie: string | null): Promise<Reply> {
  const headers = cookie === null ? {} : { cookie };
  const request = get(`${origin}${path}`, { agent, headers });
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  const line: string | undefined = response.headers["set-cookie"]?.[0];
  const { userId = null, data = {} } = response.statusCode === 200 ? JSON.parse(text) : {};
  return { status: response.statusCode, setCookie: line?.slice(0, line.indexOf(";")) ?? null, userId, data };
}
