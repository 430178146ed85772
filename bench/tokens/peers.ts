import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import secureSession from "@fastify/secure-session";
import { useSession, useSessionStorage } from "@hono/session";
import { getCookieCache } from "better-auth/cookies";
import { symmetricEncodeJWT } from "better-auth/crypto";
import cookieSession from "cookie-session";
import fastify from "fastify";
import { Hono } from "hono";
import { CookieStore, sessionMiddleware } from "hono-sessions";
import { sealData, unsealData } from "iron-session";
import { type Contender, fresh } from "./contender.ts";

type Data = Record<string, unknown>;

export async function peers(data: Data, secret: string): Promise<Contender[]> {
  return [
    cookieSessionPeer(data, secret),
    await ironSessionPeer(data, secret),
    await secureSessionPeer(data, secret),
    await honoPeer("hono-sessions (cookie store), through Hono", honoSessions(data, secret)),
    await honoPeer("@hono/session, through Hono", honoSession(data, secret)),
    await betterAuthPeer(data, secret),
  ];
}

/** Signed, not encrypted: everybody can read what it holds. */
function cookieSessionPeer(data: Data, secret: string): Contender {
  const middleware = cookieSession({ name: "session", keys: [secret], secure: false });
  const run = (
    cookie: string | undefined,
    handle: (request: { session?: unknown }) => unknown,
  ): [unknown, string[]] => {
    const request = new IncomingMessage(socket);
    if (cookie !== undefined) request.headers.cookie = cookie;
    const response = new ServerResponse(request);
    let result: unknown;
    middleware(request as never, response as never, () => {
      result = handle(request as { session?: unknown });
    });
    response.writeHead(200);
    return [result, (response.getHeader("set-cookie") ?? []) as string[]];
  };
  const seal = (): string =>
    run(undefined, (request) => {
      request.session = data;
    })[1]
      .map((line) => line.split(";")[0])
      .join("; ");
  const cookie = seal();
  return {
    name: "cookie-session (signed only)",
    open: () => run(fresh(cookie), (request) => (request.session as Data).name)[0],
    seal,
    length: cookie.length - "session=".length,
  };
}

const socket = new Socket();

async function ironSessionPeer(data: Data, password: string): Promise<Contender> {
  const seal = (): Promise<string> => sealData(data, { password });
  const token = await seal();
  return {
    name: "iron-session",
    open: async () => (await unsealData<Data>(fresh(token), { password })).name,
    seal,
    length: token.length,
  };
}

async function secureSessionPeer(data: Data, secret: string): Promise<Contender> {
  const app = fastify();
  await app.register(secureSession, { key: Buffer.from(secret.slice(0, 32), "latin1") });
  await app.ready();
  const seal = (): string => app.encodeSecureSession(app.createSecureSession(data as never));
  const token = seal();
  return {
    name: "@fastify/secure-session (libsodium)",
    open: () => app.decodeSecureSession(fresh(token))?.get("name" as never),
    seal,
    length: token.length,
  };
}

function honoSessions(data: Data, encryptionKey: string): Hono {
  const app = new Hono<{
    Variables: { session: { get(key: string): unknown; set(key: string, value: unknown): void } };
  }>();
  app.use(sessionMiddleware({ store: new CookieStore(), encryptionKey, autoExtendExpiration: false }) as never);
  app.get("/open", (c) => c.text(String(c.get("session").get("name"))));
  app.get("/seal", (c) => {
    for (const key in data) c.get("session").set(key, data[key]);
    return c.body(null);
  });
  return app as unknown as Hono;
}

function honoSession(data: Data, secret: string): Hono {
  const app = new Hono<{
    Variables: { session: { get(): Promise<Data | null>; update(data: Data): Promise<void> } };
  }>();
  const key = Buffer.from(secret.slice(0, 32), "latin1");
  app.use(useSessionStorage as never, useSession({ secret: new Uint8Array(key) }) as never);
  app.get("/open", async (c) => c.text(String((await c.get("session").get())?.name)));
  app.get("/seal", async (c) => {
    await c.get("session").update(data);
    return c.body(null);
  });
  return app as unknown as Hono;
}

async function honoPeer(name: string, app: Hono): Promise<Contender> {
  const seal = async (): Promise<string> => {
    const response = await app.fetch(new Request("http://localhost/seal"));
    return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  };
  const cookie = await seal();
  return {
    name,
    open: async () =>
      (await app.fetch(new Request("http://localhost/open", { headers: { cookie: fresh(cookie) } }))).text(),
    seal,
    length: cookie.length - cookie.indexOf("=") - 1,
  };
}

async function betterAuthPeer(data: Data, secret: string): Promise<Contender> {
  const day = 86_400;
  const payload = {
    session: { ...data, expiresAt: new Date(Date.now() + day * 1000).toISOString() },
    user: {},
    updatedAt: Date.now(),
    version: "1",
  };
  const seal = (): Promise<string> => symmetricEncodeJWT(payload, secret, "better-auth-session", day);
  const token = await seal();
  const open = async (): Promise<unknown> => {
    const headers = new Headers({ cookie: `better-auth.session_data=${fresh(token)}` });
    return (await getCookieCache(headers, { secret, strategy: "jwe", isSecure: false }))?.session;
  };
  return { name: "better-auth, cookie cache (JWE)", open, seal, length: token.length };
}
