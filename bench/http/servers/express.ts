import { createServer } from "node:http";
import cookieSession from "cookie-session";
import express, { type Express, type Request, type RequestHandler } from "express";
import expressSession from "express-session";
import { session } from "flagon/express";
import { getIronSession, type IronSession, nodeCookies } from "iron-session";
import { type Bag, data, greet, hello, type Start, secret } from "./common.ts";

/** An app whose session is an object on the request, as express-session's and cookie-session's are. */
function withBag(middleware: RequestHandler): Express {
  const app = express();
  app.use(middleware);
  const bagOf = (request: Request): Bag => request.session as unknown as Bag;
  app.get("/untouched", (_request, response) => response.type("text").send(hello));
  app.get("/read", (request, response) => response.type("text").send(greet(bagOf(request).name)));
  app.get("/write", (request, response) => {
    const bag = bagOf(request);
    bag.visits = (bag.visits ?? 0) + 1;
    response.type("text").send(greet(bag.name));
  });
  app.get("/fill", (request, response) => {
    Object.assign(bagOf(request), data);
    response.type("text").send(hello);
  });
  return app;
}

export const expressServers: Record<string, Start> = {
  bare: () => {
    const app = express();
    app.use((_request, _response, next) => next());
    app.get(/^/, (_request, response) => response.type("text").send(hello));
    return createServer(app);
  },
  flagon: () => {
    const app = express();
    app.use(session({ secret }));
    app.get("/untouched", (_request, response) => response.type("text").send(hello));
    app.get("/read", (request, response) => response.type("text").send(greet(request.session.get("name"))));
    app.get("/write", (request, response) => {
      request.session.update("visits", (visits) => Number(visits ?? 0) + 1);
      response.type("text").send(greet(request.session.get("name")));
    });
    app.get("/fill", (request, response) => {
      for (const key in data) request.session.set(key, data[key]);
      response.type("text").send(hello);
    });
    return createServer(app);
  },
  "express-session (memory)": () =>
    createServer(withBag(expressSession({ secret, resave: false, saveUninitialized: false }))),
  "cookie-session (signed only)": () =>
    createServer(withBag(cookieSession({ keys: [secret], secure: false }) as RequestHandler)),
  "iron-session": () => {
    const app = express();
    const options = { password: secret, cookieName: "session" };
    app.get("/untouched", (_request, response) => response.type("text").send(hello));
    for (const path of ["/read", "/write", "/fill"]) {
      app.get(path, async (request, response) => {
        const bag: IronSession<Bag> = await getIronSession<Bag>(nodeCookies(request, response), options);
        if (path === "/fill") Object.assign(bag, data);
        if (path === "/write") bag.visits = (bag.visits ?? 0) + 1;
        if (path !== "/read") await bag.save();
        response.type("text").send(greet(bag.name));
      });
    }
    return createServer(app);
  },
};
