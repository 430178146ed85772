import { describe } from "vitest";
import { SessionError } from "../../src/errors.ts";
import { session } from "../../src/node.ts";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { listen, sendWithNode, testAll } from "./listen.ts";

const serve: ServeAdapter = ({ sessions, routes }) =>
  listen(
    session(sessions, async (request, response) => {
      const method = request.method === "HEAD" ? "GET" : request.method;
      const route = routes.find((each) => each.method === method && each.path === request.url);
      try {
        if (route === undefined) response.writeHead(404).end();
        else sendWithNode(response, await route.handle(request.session));
      } catch (error) {
        // Node has no error path: the app's own errors are the app's to answer, the session's are the door's.
        if (error instanceof SessionError) throw error;
        response.writeHead(500).end();
      }
    }),
  );

describe("the node door conforms", () => testAll(adapterConformance(serve)));
