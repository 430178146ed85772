import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import secureSession from "@fastify/secure-session";
import { useSession } from "@hono/session";
import { getCookieCache } from "better-auth/cookies";
import { symmetricEncodeJWT } from "better-auth/crypto";
import cookieSession from "cookie-session";
import fastify from "fastify";
import { Hono } from "hono";
import { CookieStore, sessionMiddleware } from "hono-sessions";
import { sealData, unsealData } from "iron-session";
import { type Contender, fresh, nextVisit } from "./contender.ts";

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
  const run = (cookie: string | undefined, handle: (request: { session: Data }) => unknown): [unknown, string] => {
    const request = new IncomingMessage(socket);
    if (cookie !== undefined) request.headers.cookie = cookie;
    const response = new ServerResponse(request);
    let result: unknown;
    middleware(request as never, response as never, () => {
      result = handle(request as unknown as { session: Data });
    });
    response.writeHead(200);
    const lines = (response.getHeader("set-cookie") ?? []) as string[];
    return [result, lines.map((line) => line.split(";")[0]).join("; ")];
  };
  const [, cookie] = run(undefined, (request) => {
    request.session = data;
  });
  return {
    name: "cookie-session (signed only)",
    open: () => run(fresh(cookie), ({ session }) => session.name)[0],
    change: () =>
      run(fresh(cookie), ({ session }) => {
        session.visits = nextVisit();
      })[1],
    length: cookie.length - "session=".length,
  };
}

const socket = new Socket();

async function ironSessionPeer(data: Data, password: string): Promise<Contender> {
  const token = await sealData(data, { password });
  const open = (): Promise<Data> => unsealData<Data>(fresh(token), { password });
  return {
    name: "iron-session",
    open: async () => (await open()).name,
    change: async () => sealData({ ...(await open()), visits: nextVisit() }, { password }),
    length: token.length,
  };
}

async function secureSessionPeer(data: Data, secret: string): Promise<Contender> {
  const app = fastify();
  await app.register(secureSession, { key: Buffer.from(secret.slice(0, 32), "latin1") });
  await app.ready();
  const token = app.encodeSecureSession(app.createSecureSession(data as never));
  const open = (): { get(key: string): unknown; set(key: string, value: unknown): void } =>
    app.decodeSecureSession(fresh(token)) as never;
  return {
    name: "@fastify/secure-session (libsodium)",
    open: () => open().get("name"),
    change: () => {
      const session = open();
      session.set("visits", nextVisit());
      return app.encodeSecureSession(session as never);
    },
    length: token.length,
  };
}

function honoSessions(data: Data, encryptionKey: string): Hono {
  type Env = { Variables: { session: { get(key: string): unknown; set(key: string, value: unknown): void } } };
  const app = new Hono<Env>();
  app.use(sessionMiddleware({ store: new CookieStore(), encryptionKey, autoExtendExpiration: false }) as never);
  app.get("/open", (c) => c.text(String(c.get("session").get("name"))));
  app.get("/fill", (c) => {
    for (const key in data) c.get("session").set(key, data[key]);
    return c.body(null);
  });
  app.get("/change", (c) => {
    c.get("session").set("visits", nextVisit());
    return c.body(null);
  });
  return app as unknown as Hono;
}

function honoSession(data: Data, secret: string): Hono {
  type Env = { Variables: { session: { get(): Promise<Data | null>; update(data: Data): Promise<void> } } };
  const app = new Hono<Env>();
  app.use(useSession({ secret: new Uint8Array(Buffer.from(secret.slice(0, 32), "latin1")) }) as never);
  app.get("/open", async (c) => c.text(String((await c.get("session").get())?.name)));
  app.get("/fill", async (c) => {
    await c.get("session").update(data);
    return c.body(null);
  });
  app.get("/change", async (c) => {
    const session = c.get("session");
    await session.update({ ...(await session.get()), visits: nextVisit() });
    return c.body(null);
  });
  return app as unknown as Hono;
}

async function honoPeer(name: string, app: Hono): Promise<Contender> {
  const ask = async (path: string, cookie?: string): Promise<Response> =>
    app.fetch(new Request(`http://localhost${path}`, cookie === undefined ? {} : { headers: { cookie } }));
  // hono-sessions writes the cookie twice, the second time with the data.
  const cookie = (await ask("/fill")).headers.getSetCookie().at(-1)?.split(";")[0] ?? "";
  return {
    name,
    open: async () => (await ask("/open", fresh(cookie))).text(),
    change: async () => (await ask("/change", fresh(cookie))).headers.getSetCookie(),
    length: cookie.length - cookie.indexOf("=") - 1,
  };
}

async function betterAuthPeer(data: Data, secret: string): Promise<Contender> {
  const day = 86_400;
  const seal = (session: Data): Promise<string> =>
    symmetricEncodeJWT({ session, user: {}, updatedAt: Date.now(), version: "1" }, secret, "better-auth-session", day);
  const token = await seal({ ...data, expiresAt: new Date(Date.now() + day * 1_000).toISOString() });
  const open = async (): Promise<Data> => {
    const headers = new Headers({ cookie: `better-auth.session_data=${fresh(token)}` });
    return (await getCookieCache(headers, { secret, strategy: "jwe", isSecure: false }))?.session as never;
  };
  return {
    name: "better-auth, cookie cache (JWE)",
    open: async () => (await open()).name,
    change: async () => seal({ ...(await open()), visits: nextVisit() }),
    length: token.length,
  };
}
