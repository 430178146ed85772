import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSessions } from "flagon";
import { session } from "flagon/node";
import { getIronSession, type IronSession, nodeCookies } from "iron-session";
import { type Bag, data, greet, hello, type Start, secret } from "./common.ts";

function send(response: ServerResponse, text: string): void {
  response.setHeader("Content-Type", "text/plain");
  response.end(text);
}

export const node: Record<string, Start> = {
  bare: () => createServer((_request, response) => send(response, hello)),
  flagon: () =>
    createServer(
      session(createSessions<Bag>({ secret }), (request, response) => {
        if (request.url === "/untouched") return send(response, hello);
        if (request.url === "/fill") for (const key in data) request.session.set(key, data[key]);
        if (request.url === "/write") request.session.update("visits", (visits = 0) => visits + 1);
        send(response, greet(request.session.get("name")));
      }),
    ),
  "iron-session": () =>
    createServer(async (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === "/untouched") return send(response, hello);
      const options = { password: secret, cookieName: "session" };
      const bag: IronSession<Bag> = await getIronSession<Bag>(nodeCookies(request, response), options);
      if (request.url === "/fill") Object.assign(bag, data);
      if (request.url === "/write") bag.visits = (bag.visits ?? 0) + 1;
      if (request.url !== "/read") await bag.save();
      send(response, greet(bag.name));
    }),
};
