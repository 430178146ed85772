import { createRequire } from "node:module";
import { Readable } from "node:stream";
import express from "express";
import { describe } from "vitest";
import { session } from "../../src/express.ts";
import { type AdapterRoute, adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { listen, testAll } from "./listen.ts";

/** Installed beside 5 under another name, which its types do not know. */
const express4: typeof express = createRequire(import.meta.url)("express4");

const serveWith =
  (framework: typeof express): ServeAdapter =>
  ({ sessions, routes }) => {
    const app = framework().use(session(sessions));
    for (const route of routes) app[route.method === "GET" ? "get" : "post"](route.path, handlerOf(route));
    return listen(app);
  };

function handlerOf(route: AdapterRoute): express.RequestHandler {
  return async (request, response, next) => {
    try {
      const reply = await route.handle(request.session);
      if (reply.kind === "redirect") response.redirect(reply.location);
      else if (reply.kind === "empty") response.sendStatus(reply.status);
      else if (reply.kind === "stream") Readable.from(reply.chunks).pipe(response);
      else {
        for (const [name, value] of reply.headers ?? []) response.append(name, value);
        response.status(reply.status ?? 200).send(reply.body);
      }
    } catch (error) {
      next(error); // Express 5 would do so by itself, 4 does not
    }
  };
}

describe("the express door conforms on Express 5", () => testAll(adapterConformance(serveWith(express))));
describe("the express door conforms on Express 4", () => testAll(adapterConformance(serveWith(express4))));
