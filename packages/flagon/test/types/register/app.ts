// The app's types, said once; every adapter knows them from here.

import type { Request } from "express";
import type { Session, Sessions } from "flagon";
import { createSessions } from "flagon";
import type { session as express } from "flagon/express";
import { session as fetchSession } from "flagon/fetch";
import { session as hono, type SessionEnv } from "flagon/hono";
import { session as node, type SessionRequest } from "flagon/node";
import { Hono } from "hono";
import { expectTypeOf } from "vitest";

declare module "flagon" {
  interface Register {
    session: { username: string; visits: number };
  }
}

interface Registered {
  username: string;
  visits: number;
}

const sessions = createSessions({});
expectTypeOf(sessions).toEqualTypeOf<Sessions<Registered>>();

export function core(session: Session): void {
  expectTypeOf(session.get("username")).toEqualTypeOf<string | undefined>();
  session.set("visits", 5);
  // @ts-expect-error: no such key
  session.get("user");
  // @ts-expect-error: another type
  session.set("visits", "5");
}

export function onExpress(request: Request, adapter: typeof express): void {
  expectTypeOf(request.session.get("visits")).toEqualTypeOf<number | undefined>();
  // @ts-expect-error: no such key
  request.session.get("user");
  adapter(sessions);
}

export function onNode(request: SessionRequest): void {
  expectTypeOf(request.session.get("username")).toEqualTypeOf<string | undefined>();
}

node(sessions, (request, response) => {
  expectTypeOf(request.session.get("visits")).toEqualTypeOf<number | undefined>();
  response.end();
});

const app = new Hono<SessionEnv>();
app.use(hono(sessions));
app.get("/", (c) => {
  expectTypeOf(c.get("session").get("username")).toEqualTypeOf<string | undefined>();
  // @ts-expect-error: no such key
  c.get("session").get("user");
  return c.text(`Hello ${c.get("session").get("username") ?? "stranger"}`);
});

export const handler = fetchSession(sessions)((_request, session) => {
  expectTypeOf(session.get("visits")).toEqualTypeOf<number | undefined>();
  return new Response(`Hello ${session.get("username") ?? "stranger"}`);
});

// One's own type goes before what was registered.
const own = createSessions<{ other: boolean }>({});
export async function ownType(): Promise<void> {
  const session = await own.open({ method: "GET", url: "", header: () => null });
  expectTypeOf(session.get("other")).toEqualTypeOf<boolean | undefined>();
  // @ts-expect-error: a key of what was registered
  session.get("username");
}
