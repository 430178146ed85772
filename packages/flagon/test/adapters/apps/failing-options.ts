/**
 * One server for each option that is a function, on the adapter that the argument names. What fails, and how, is told over the
 * channel to the parent: `{ option, how }`. Whatever ends this process is what the test is after, so nothing is caught here.
 */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { ErrorRequestHandler, Request } from "express";
import type { Codec, Session, SessionOptions, Store } from "flagon";
import type { SessionEnv } from "flagon/hono";
import { memoryStore } from "flagon/memory";
import type { CookieFormat } from "../../../src/codec.ts";
import { sealed } from "../../../src/formats/sealed-cookie.ts";

type Data = Record<string, unknown>;
type Options = SessionOptions<Data>;
export type Failure = { readonly option: string | null; readonly how: string };

const secret = "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x";
let failure: Failure = { option: null, how: "" };
process.on("message", (told: Failure) => {
  failure = told;
  process.send?.("told");
});

/** What the option does where it is the one that fails just now. */
function failing<Given extends unknown[], Answer>(
  option: string,
  act: (...given: Given) => Answer,
): (...given: Given) => Answer {
  return (...given) => {
    if (failure.option !== option) return act(...given);
    if (failure.how === "rejects") return Promise.reject(new Error(`${option} failed`)) as Answer;
    if (failure.how === "throws a text") throw `${option} failed`;
    throw new TypeError(`${option} failed`);
  };
}

function failingStore(option: string): Store {
  const store = memoryStore();
  const methods = ["read", "create", "replace", "touch", "delete", "list"] as const;
  const wrapped = methods.map((name) => [name, failing(option, store[name].bind(store) as () => unknown)]);
  return { ...store, ...Object.fromEntries(wrapped) };
}

const failingCodec: Codec = {
  ...sealed,
  bind(context) {
    const format: CookieFormat = sealed.bind(context);
    return {
      ...format,
      open: failing("codec", format.open.bind(format)),
      seal: failing("codec", format.seal.bind(format)),
    };
  },
};

const schema = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: failing("schema", (value: unknown) => ({ value: value as Data })),
  },
} as const;

const all: Readonly<Record<string, () => Options>> = {
  secret: () => ({ secret: failing("secret", () => secret) }),
  "secret with a store": () => ({ secret: failing("secret with a store", () => secret), store: memoryStore() }),
  "secret with revocations": () => ({
    secret: failing("secret with revocations", () => secret),
    revocations: memoryStore(),
  }),
  schema: () => ({ secret, schema }),
  now: () => ({ secret, now: failing("now", Date.now) }),
  codec: () => ({ secret, codec: failingCodec }),
  "csrf.exempt": () => ({ secret, csrf: { exempt: failing("csrf.exempt", () => true) } }),
  store: () => ({ secret, store: failingStore("store") }),
  revocations: () => ({ secret, revocations: { store: failingStore("revocations"), staleness: 0 } }),
};

/** What each app does at each path. */
function visit(path: string, session: Session<Data>): string {
  if (path === "/sign-in") session.login("ann");
  if (path === "/token") return session.csrfToken().slice(0, 1);
  return String(session.update("visits", (visits) => Number(visits ?? 0) + 1));
}

/** Each loads what it needs and nothing else: the test waits for that. */
const adapters: Readonly<
  Record<string, () => Promise<(options: Options) => RequestListener | Promise<RequestListener>>>
> = {
  async node() {
    const { session } = await import("flagon/node");
    return (options) =>
      session(options, (request, response) => {
        response.end(visit(request.url ?? "/", request.session));
      }) as RequestListener;
  },
  async "node, an async handler"() {
    const { session } = await import("flagon/node");
    return (options) =>
      session(options, async (request, response) => {
        await null;
        response.end(visit(request.url ?? "/", request.session));
      }) as RequestListener;
  },
  async express() {
    const { default: express } = await import("express");
    const { session } = await import("flagon/express");
    const answer500: ErrorRequestHandler = (_error, _request, response, _next) => void response.sendStatus(500);
    return (options) =>
      express()
        .use(session(options))
        .use((request, response) => void response.send(visit(request.path, request.session as Session<Data>)))
        .use(answer500);
  },
  async fastify() {
    const { default: Fastify } = await import("fastify");
    const { session } = await import("flagon/fastify");
    return async (options) => {
      const app = Fastify();
      app.register(session(options));
      app.all("*", async (request) => visit(request.url, request.session as Session<Data>));
      await app.ready();
      return (request, response) => app.routing(request, response);
    };
  },
  async koa() {
    const { default: Koa } = await import("koa");
    const { session } = await import("flagon/koa");
    return (options) => {
      const app = new Koa();
      app.silent = true;
      app.use(session(options));
      app.use((ctx) => {
        ctx.body = visit(ctx.path, ctx.session as Session<Data>);
      });
      return app.callback();
    };
  },
  async hono() {
    const { Hono } = await import("hono");
    const { getRequestListener } = await import("@hono/node-server");
    const { session } = await import("flagon/hono");
    return (options) => {
      const app = new Hono<SessionEnv<Data>>();
      app.onError((_error, c) => c.text("failed", 500));
      app.use(session(options));
      app.all("*", (c) => c.text(visit(c.req.path, c.get("session"))));
      return getRequestListener(app.fetch);
    };
  },
  async h3() {
    const { H3, toNodeHandler } = await import("h3");
    const { session } = await import("flagon/h3");
    return (options) => {
      const app = new H3({ silent: true });
      app.use(session(options));
      app.all("/**", (event) => visit(event.url.pathname, event.context.session as Session<Data>));
      return toNodeHandler(app) as RequestListener;
    };
  },
  async nest() {
    await import("reflect-metadata");
    const { All, Controller, HttpCode, Module, Req } = await import("@nestjs/common");
    const { NestFactory } = await import("@nestjs/core");
    const { session } = await import("flagon/express");
    return async (options) => {
      class AnyController {
        any(request: Request): string {
          return visit(request.path, request.session as Session<Data>);
        }
      }
      // What the decorators do, written without their syntax, which Node does not run.
      const descriptor = Object.getOwnPropertyDescriptor(AnyController.prototype, "any") as PropertyDescriptor;
      Controller()(AnyController);
      All("{*any}")(AnyController.prototype, "any", descriptor);
      HttpCode(200)(AnyController.prototype, "any", descriptor);
      Req()(AnyController.prototype, "any", 0);
      class AppModule {}
      Module({ controllers: [AnyController] })(AppModule);
      const app = await NestFactory.create(AppModule, { logger: false });
      app.use(session(options));
      await app.init();
      return app.getHttpAdapter().getInstance();
    };
  },
};

const make = await adapters[process.argv[2] ?? ""]?.();
if (make === undefined) throw new Error(`no such adapter: ${process.argv[2]}`);
const origins: Record<string, string> = {};
for (const [option, options] of Object.entries(all)) {
  const server = createServer(await make({ ...options(), cookie: { name: "visitor" } }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origins[option] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
process.send?.(origins);
