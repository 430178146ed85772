import { sessionProxy } from "flagon/next";
import type { NextRequest } from "next/server.js";
import { all, copy, kindOf } from "./sessions.ts";

export async function proxy(request: NextRequest): Promise<Response> {
  return await sessionProxy(all[kindOf(request.url)], ({ userId }) =>
    request.nextUrl.pathname === "/proxied" ? Response.json({ userId, copy }) : undefined,
  )(request);
}

export const config = { matcher: ["/slow", "/proxied"] };
