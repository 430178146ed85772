import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { useSession } from "@hono/session";
import { createSessions } from "flagon";
import { type SessionEnv, session } from "flagon/hono";
import { Hono } from "hono";
import { CookieStore, sessionMiddleware } from "hono-sessions";
import { type Bag, data, greet, hello, type Start, secret } from "./common.ts";

const serve = (app: { fetch: Hono["fetch"] }): Server => createAdaptorServer({ fetch: app.fetch }) as Server;

export const hono: Record<string, Start> = {
  bare: () => {
    const app = new Hono();
    app.use((_c, next) => next());
    app.get("*", (c) => c.text(hello));
    return serve(app);
  },
  flagon: () => {
    const app = new Hono<SessionEnv<Bag>>();
    app.use(session(createSessions<Bag>({ secret })));
    app.get("/untouched", (c) => c.text(hello));
    app.get("/read", (c) => c.text(greet(c.get("session").get("name"))));
    app.get("/write", (c) => {
      c.get("session").update("visits", (visits = 0) => visits + 1);
      return c.text(greet(c.get("session").get("name")));
    });
    app.get("/fill", (c) => {
      for (const key in data) c.get("session").set(key, data[key]);
      return c.text(hello);
    });
    return serve(app);
  },
  "hono-sessions (cookie store)": () => {
    type Env = { Variables: { session: { get(key: string): unknown; set(key: string, value: unknown): void } } };
    const app = new Hono<Env>();
    app.use(sessionMiddleware({ store: new CookieStore(), encryptionKey: secret }) as never);
    app.get("/untouched", (c) => c.text(hello));
    app.get("/read", (c) => c.text(greet(c.get("session").get("name"))));
    app.get("/write", (c) => {
      c.get("session").set("visits", Number(c.get("session").get("visits") ?? 0) + 1);
      return c.text(greet(c.get("session").get("name")));
    });
    app.get("/fill", (c) => {
      for (const key in data) c.get("session").set(key, data[key]);
      return c.text(hello);
    });
    return serve(app as unknown as Hono);
  },
  "@hono/session": () => {
    type Env = { Variables: { session: { get(): Promise<Bag | null>; update(data: Bag): Promise<void> } } };
    const app = new Hono<Env>();
    app.use(useSession({ secret: new Uint8Array(Buffer.from(secret, "latin1")) }) as never);
    app.get("/untouched", (c) => c.text(hello));
    app.get("/read", async (c) => c.text(greet((await c.get("session").get())?.name)));
    app.get("/write", async (c) => {
      const bag = (await c.get("session").get()) ?? {};
      await c.get("session").update({ ...bag, visits: (bag.visits ?? 0) + 1 });
      return c.text(greet(bag.name));
    });
    app.get("/fill", async (c) => {
      await c.get("session").update(data);
      return c.text(hello);
    });
    return serve(app as unknown as Hono);
  },
};
