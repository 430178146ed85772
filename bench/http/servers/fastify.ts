import Fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest } from "fastify";
import { session } from "flagon/fastify";
import { data, greet, hello, type Start, secret } from "./common.ts";

/** Without its types, which would give Fastify's request a second `session`. */
async function peer(name: string): Promise<FastifyPluginAsync<Record<string, unknown>>> {
  return (await import(name)).default;
}

/** What the three plugins' sessions have in common. */
interface Values {
  get(key: string): unknown;
  set(key: string, value: unknown): unknown;
}

async function serve(register: (app: FastifyInstance) => unknown): Promise<FastifyInstance["server"]> {
  const app = Fastify();
  await register(app);
  const valuesOf = (request: FastifyRequest): Values => request.session as never;
  app.get("/untouched", (_request, reply) => reply.type("text/plain").send(hello));
  app.get("/read", (request, reply) => reply.type("text/plain").send(greet(valuesOf(request).get("name"))));
  app.get("/write", (request, reply) => {
    const values = valuesOf(request);
    values.set("visits", Number(values.get("visits") ?? 0) + 1);
    return reply.type("text/plain").send(greet(values.get("name")));
  });
  app.get("/fill", (request, reply) => {
    for (const key in data) valuesOf(request).set(key, data[key]);
    return reply.type("text/plain").send(hello);
  });
  await app.ready();
  return app.server;
}

export const fastify: Record<string, Start> = {
  bare: async () => {
    const app = Fastify();
    app.addHook("onRequest", (_request, _reply, done) => done());
    app.get("/*", (_request, reply) => reply.type("text/plain").send(hello));
    await app.ready();
    return app.server;
  },
  flagon: () => serve((app) => app.register(session({ secret }))),
  "@fastify/secure-session (libsodium)": () =>
    serve(async (app) => app.register(await peer("@fastify/secure-session"), { key: Buffer.from(secret, "latin1") })),
  "@fastify/session (memory)": () =>
    serve(async (app) => {
      await app.register(await peer("@fastify/cookie"));
      await app.register(await peer("@fastify/session"), {
        secret,
        saveUninitialized: false,
        cookie: { secure: false },
      });
    }),
};
