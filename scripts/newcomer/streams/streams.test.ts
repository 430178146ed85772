/** Answers that are still being made once their head has left: each reads the session of the visitor who asked, at any time. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createORPCClient } from "@orpc/client";
import { RPCLink } from "@orpc/client/fetch";
import { os, type RouterClient } from "@orpc/server";
import { RPCHandler } from "@orpc/server/fetch";
import { createTRPCClient, httpBatchLink, httpBatchStreamLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { createExpressMiddleware } from "@trpc/server/adapters/express";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import express from "express";
import { createSessions, type Session } from "flagon";
import { session } from "flagon/express";
import { session as fetchSession } from "flagon/fetch";
import { memoryStore } from "flagon/memory";
import { createSchema, createYoga } from "graphql-yoga";

interface Context {
  session: Session;
}
type Fetch = (request: Request) => Promise<Response>;

const secret = "only for the tests of streams: Wq8ZrT5nYb2KdM7x";
const backends = { sealed: createSessions({ secret }), stored: createSessions({ secret, store: memoryStore() }) };
const servers: Server[] = [];
after(() => {
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A visitor's own way to ask: sends and keeps the session cookie. */
function browser(send: Fetch): (input: string | URL | Request, init?: RequestInit) => Promise<Response> {
  let cookie = "";
  return async (input, init) => {
    const request = new Request(input, init);
    request.headers.set("cookie", cookie);
    const response = await send(request);
    cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
    return response;
  };
}

const t = initTRPC.context<Context>().create();
/** As one that asks a database who may do what: the answer's head leaves meanwhile. */
const slow = t.procedure.use(async ({ next }) => {
  await sleep(10);
  return next();
});
const router = t.router({
  who: slow.query(({ ctx }) => ctx.session.userId),
  isNew: slow.query(({ ctx }) => ctx.session.isNew),
  changes: slow.subscription(async function* ({ ctx }) {
    yield "begun";
    await sleep(10);
    yield ctx.session.userId;
  }),
  signIn: slow.mutation(({ ctx }) => ctx.session.login("alice")),
});

for (const [name, sessions] of Object.entries(backends)) {
  const onFetch = async (): Promise<{ url: string; send: Fetch }> => {
    const handler = fetchSession(sessions)((req, session) =>
      fetchRequestHandler({ endpoint: "/trpc", req, router, createContext: () => ({ session }) }),
    );
    return { url: "http://127.0.0.1/trpc", send: handler };
  };
  const onExpress = async (): Promise<{ url: string; send: Fetch }> => {
    const app = express().use(session(sessions));
    const createContext = ({ req }: { req: unknown }): Context => ({ session: (req as express.Request).session });
    app.use("/trpc", createExpressMiddleware({ router, createContext }));
    return { url: `${await listen(app)}/trpc`, send: fetch };
  };

  for (const serve of [onFetch, onExpress]) {
    test(`tRPC ${serve.name}, ${name}: streamed batches and subscriptions read the session, and what they change throws`, async () => {
      const { url, send } = await serve();
      const clientOf = () => {
        const ask = browser(send);
        const options = { url, fetch: ask as never };
        return {
          ask,
          plain: createTRPCClient<typeof router>({ links: [httpBatchLink(options)] }),
          streamed: createTRPCClient<typeof router>({ links: [httpBatchStreamLink(options)] }),
        };
      };
      const [alice, bob] = [clientOf(), clientOf()];
      await alice.plain.signIn.mutate();
      const answers = await Promise.all([
        alice.streamed.who.query(),
        alice.streamed.isNew.query(),
        bob.streamed.who.query(),
        bob.streamed.isNew.query(),
      ]);
      assert.deepEqual(answers, ["alice", false, null, true]);
      await assert.rejects(bob.streamed.signIn.mutate(), /the session was changed after the response had started/);
      assert.equal(await bob.plain.who.query(), null);
      for (const [visitor, user] of [
        [alice, '"alice"'],
        [bob, "null"],
      ] as const) {
        const response = await visitor.ask(`${url}/changes`, { headers: { accept: "text/event-stream" } });
        assert.match(await response.text(), new RegExp(`data: "begun"[^]*data: ${user}\\n`));
      }
    });
  }

  const graphql = createYoga<Context>({
    logging: false,
    schema: createSchema({
      typeDefs: "type Query { who: String } type Subscription { changes: String }",
      resolvers: {
        Query: { who: (_root, _args, { session }: Context) => session.userId },
        Subscription: {
          changes: {
            async *subscribe(_root: unknown, _args: unknown, { session }: Context) {
              yield { changes: "begun" };
              await sleep(10);
              yield { changes: String(session.userId) };
            },
          },
        },
      },
    }),
  });

  test(`a subscription of GraphQL Yoga's reads the session, ${name}`, async () => {
    const handler = fetchSession(sessions)(async (request, session) => {
      if (request.url.endsWith("/sign-in")) return new Response(String(session.login("alice")));
      return await graphql.fetch(request, { session });
    });
    const [alice, bob] = [browser(handler), browser(handler)];
    await alice("http://127.0.0.1/sign-in");
    const url = `http://127.0.0.1/graphql?query=${encodeURIComponent("subscription { changes }")}`;
    for (const [ask, user] of [
      [alice, "alice"],
      [bob, "null"],
    ] as const) {
      const response = await ask(url, { headers: { accept: "text/event-stream" } });
      assert.equal(response.status, 200);
      const values = [...(await response.text()).matchAll(/"changes":"(.*?)"/g)].map(([, value]) => value);
      assert.deepEqual(values, ["begun", user]);
    }
  });

  const base = os.$context<Context>();
  const procedures = {
    changes: base.handler(async function* ({ context }) {
      yield "begun";
      await sleep(10);
      yield String(context.session.userId);
    }),
    signIn: base.handler(({ context }) => context.session.login("alice")),
  };

  test(`an iterator of oRPC's reads the session, ${name}`, async () => {
    const rpc = new RPCHandler(procedures);
    const handler = fetchSession(sessions)(async (request, session) => {
      const { response } = await rpc.handle(request, { prefix: "/rpc", context: { session } });
      return response ?? new Response("nowhere", { status: 404 });
    });
    const clientOf = (): RouterClient<typeof procedures> => {
      const ask = browser(handler);
      return createORPCClient(
        new RPCLink({ url: "http://127.0.0.1/rpc", fetch: (request, init) => ask(request, init as RequestInit) }),
      );
    };
    const [alice, bob] = [clientOf(), clientOf()];
    await alice.signIn();
    for (const [client, user] of [
      [alice, "alice"],
      [bob, "null"],
    ] as const) {
      const values: string[] = [];
      for await (const value of await client.changes()) values.push(value);
      assert.deepEqual(values, ["begun", user]);
    }
  });
}
