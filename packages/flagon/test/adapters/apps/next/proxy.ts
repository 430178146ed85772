import { sessionProxy } from "flagon/next";
import type { NextRequest } from "next/server.js";
import { sessions } from "../current.ts";

export const proxy: (request: NextRequest) => Promise<Response> = sessionProxy(sessions, (session, request) => {
  if (request.nextUrl.searchParams.has("closed")) return new Response("closed", { status: 403 });
  if (request.nextUrl.searchParams.has("greet")) session.set("name", "set by the proxy");
  return undefined;
});

export const config = { matcher: "/page" };
