import "reflect-metadata";
import { Readable } from "node:stream";
import {
  All,
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  type INestApplication,
  Module,
  NotFoundException,
  Req,
  Res,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import type { Request, Response } from "express";
import type { FastifyReply, FastifyRequest } from "fastify";
import { describe } from "vitest";
import { session as expressSession } from "../../src/adapters/express.ts";
import { session as fastifySession } from "../../src/adapters/fastify.ts";
import { SessionError } from "../../src/index.ts";
import {
  type AdapterApp,
  adapterConformance,
  type RunningAdapter,
  type ServeAdapter,
  type SharedReply,
} from "../../src/testing.ts";
import { testCrossSite } from "./cross-site.ts";
import { testAll } from "./listen.ts";
import { sendBody, share, type Ways } from "./shared-head.ts";

/** Nest's own filter answers with an error's status alone; this one sends Retry-After as well, and no message of a 503. */
class SessionErrorFilter implements ExceptionFilter<SessionError> {
  catch(error: SessionError, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response | FastifyReply>();
    const text = error.expose ? error.message : "the session is not available";
    if ("code" in response) response.code(error.status).headers(error.headers).send(text);
    else response.status(error.status).set(error.headers).send(text);
  }
}
Catch(SessionError)(SessionErrorFilter);

/** `path` is the framework's word for every path. */
function moduleOf({ routes }: AdapterApp, path: string): object {
  const find = (asked: string, pathname: string) => {
    const method = asked === "HEAD" ? "GET" : asked;
    const route = routes.find((each) => each.method === method && each.path === pathname);
    if (route === undefined) throw new NotFoundException();
    return route;
  };

  class AnyController {
    async any(request: Request | FastifyRequest, response: Response | FastifyReply): Promise<void> {
      const { pathname } = new URL(request.url, "http://127.0.0.1");
      const reply = await find(request.method, pathname).handle(request.session);
      if (reply.kind === "shared") shareIn(response, reply);
      else if ("code" in response) {
        if (reply.kind === "redirect")
          response.redirect(reply.location, 302); // Nest has set 200
        else if (reply.kind === "empty") response.code(reply.status).send();
        else if (reply.kind === "stream") response.type("text/plain").send(Readable.from(reply.chunks));
        else {
          for (const [name, value] of reply.headers ?? []) response.header(name, value);
          response.code(reply.status ?? 200).send(reply.body);
        }
      } else if (reply.kind === "redirect") response.redirect(reply.location);
      else if (reply.kind === "empty") response.sendStatus(reply.status);
      else if (reply.kind === "stream") Readable.from(reply.chunks).pipe(response);
      else {
        for (const [name, value] of reply.headers ?? []) response.append(name, value);
        response.status(reply.status ?? 200).send(reply.body);
      }
    }
  }
  // What @Controller(), @All() and their like do, written without the decorator syntax, which Node does not run.
  const descriptor = Object.getOwnPropertyDescriptor(AnyController.prototype, "any") as PropertyDescriptor;
  Controller()(AnyController);
  All(path)(AnyController.prototype, "any", descriptor);
  Req()(AnyController.prototype, "any", 0);
  Res()(AnyController.prototype, "any", 1);

  class AppModule {}
  Module({ controllers: [AnyController] })(AppModule);
  return AppModule;
}

function shareIn(response: Response | FastifyReply, reply: SharedReply): void {
  if ("code" in response) share(fastifyWays, response, reply);
  else share(expressWays, response, reply);
}

/** What Nest lets through to the framework below; every way of theirs is in their own tests. */
const expressWays: Ways<Response> = {
  "set with an object": (response, { status, head, body }) => {
    sendBody(response.status(status).set(head.object), body);
  },
};
const fastifyWays: Ways<FastifyReply> = {
  "headers with an object": (response, { status, head, body }) => {
    const payload = body === null || typeof body === "string" ? body : Readable.from(body);
    response
      .code(status)
      .headers(head.object)
      .send(payload ?? undefined);
  },
};

async function start(app: INestApplication): Promise<RunningAdapter> {
  // biome-ignore lint/correctness/useHookAtTopLevel: Nest's, not React's
  app.useGlobalFilters(new SessionErrorFilter());
  await app.listen(0, "127.0.0.1");
  const { port } = app.getHttpServer().address();
  return { origin: `http://127.0.0.1:${port}`, close: () => app.close() };
}

const onExpress: ServeAdapter = async (given) => {
  const app = await NestFactory.create(moduleOf(given, "*path"), { logger: false, forceCloseConnections: true });
  app.use(expressSession(given.sessions));
  return await start(app);
};

const onFastify: ServeAdapter = async (given) => {
  const adapter = new FastifyAdapter({ forceCloseConnections: true });
  const app = await NestFactory.create<NestFastifyApplication>(moduleOf(given, "*"), adapter, { logger: false });
  await app.register(fastifySession(given.sessions));
  return await start(app);
};

describe("the express adapter conforms in NestJS", () =>
  testAll(adapterConformance(onExpress, { sharedHeads: Object.keys(expressWays) })));
describe("the fastify adapter conforms in NestJS", () =>
  testAll(adapterConformance(onFastify, { sharedHeads: Object.keys(fastifyWays) })));
testCrossSite(onExpress);
testCrossSite(onFastify);
