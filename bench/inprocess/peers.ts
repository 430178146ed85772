import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import cookieSession from "cookie-session";
import expressSession from "express-session";
import { getIronSession, type IronSession, nodeCookies } from "iron-session";
import { type Bag, data, greet, hello, secret } from "../http/servers/common.ts";
import { acts, type Contender, send } from "./contender.ts";

export const sealedPeers: readonly Contender[] = [
  {
    name: "iron-session",
    acts,
    serve: () =>
      createServer(async (request, response) => {
        if (request.url === "/untouched") return send(response, hello);
        const options = { password: secret, cookieName: "session" };
        const bag: IronSession<Bag> = await getIronSession<Bag>(nodeCookies(request, response), options);
        change(request, bag);
        if (request.url !== "/read") await bag.save();
        send(response, greet(bag.name));
      }),
  },
  withMiddleware("cookie-session (signed only)", () => cookieSession({ keys: [secret], secure: false })),
];

export const storedPeers: readonly Contender[] = [
  withMiddleware("express-session (memory)", () => expressSession({ secret, resave: false, saveUninitialized: false })),
];

/** Express's middleware, on `node:http` as it is. */
type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

function withMiddleware(name: string, create: () => unknown): Contender {
  return {
    name,
    acts,
    serve: () => {
      const middleware = create() as Middleware;
      return createServer((request, response) =>
        middleware(request, response, (error) => {
          if (error !== undefined) throw error;
          if (request.url === "/untouched") return send(response, hello);
          const bag = (request as unknown as { session: Bag }).session;
          change(request, bag);
          send(response, greet(bag.name));
        }),
      );
    },
  };
}

function change({ url }: IncomingMessage, bag: Bag): void {
  if (url === "/fill") Object.assign(bag, data);
  if (url === "/write") bag.visits = (bag.visits ?? 0) + 1;
}
