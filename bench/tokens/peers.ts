import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
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

interface Values {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

interface SecureSessionCodec {
  createSecureSession(data: Data): Values;
  encodeSecureSession(session: Values): string;
  decodeSecureSession(token: string): Values;
}

async function secureSessionPeer(data: Data, secret: string): Promise<Contender> {
  const app = fastify();
  // Without its types, which would give Fastify's request a second `session`.
  const { default: secureSession } = await import("@fastify/secure-session" as string);
  await app.register(secureSession, { key: Buffer.from(secret.slice(0, 32), "latin1") });
  await app.ready();
  const codec = app as unknown as SecureSessionCodec;
  const token = codec.encodeSecureSession(codec.createSecureSession(data));
  const open = (): Values => codec.decodeSecureSession(fresh(token));
  return {
    name: "@fastify/secure-session (libsodium)",
    open: () => open().get("name"),
    change: () => {
      const session = open();
      session.set("visits", nextVisit());
      return codec.encodeSecureSession(session);
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

/** Its session and user have fields of their own besides the data. */
async function betterAuthPeer(data: Data, secret: string): Promise<Contender> {
  const day = 86_400;
  const now = new Date().toISOString();
  const own = { id: "s1", token: "t1", userId: "u1", createdAt: now, updatedAt: now };
  const user = { id: "u1", name: "Ada", email: "ada@example.com", emailVerified: true, createdAt: now, updatedAt: now };
  const seal = (session: Data): Promise<string> =>
    symmetricEncodeJWT({ session, user, updatedAt: Date.now(), version: "1" }, secret, "better-auth-session", day);
  const token = await seal({ ...data, ...own, expiresAt: new Date(Date.now() + day * 1_000).toISOString() });
  const open = async (): Promise<Data> => {
    const headers = new Headers({ cookie: `better-auth.session_data=${fresh(token)}` });
    const found = await getCookieCache(headers, { secret, strategy: "jwe", isSecure: false });
    if (found === null) throw new Error("better-auth did not open its own token");
    return found.session;
  };
  return {
    name: "better-auth, cookie cache (JWE)",
    open: async () => (await open()).name,
    change: async () => seal({ ...(await open()), visits: nextVisit() }),
    length: token.length,
  };
}
