import { sessionProxy } from "flagon/next";
import { type NextRequest, NextResponse } from "next/server.js";
import { sessions } from "../current.ts";

/** What a proxy shares among all requests: answers, and what it makes them of. */
const headers = new Headers({ "x-own": "1" });
const init = { headers };
const cookies = NextResponse.next();
cookies.cookies.set("old", "1").set("old2", "2");
const constants: Readonly<Record<string, NextResponse>> = {
  next: NextResponse.next(init),
  redirect: NextResponse.redirect("http://127.0.0.1/home", init),
  cookies,
};
const rewrites = new Map<string, NextResponse>();

function answer(request: NextRequest): NextResponse | undefined {
  const { pathname, origin } = request.nextUrl;
  const how = pathname.split("/")[2] ?? "";
  if (how === "init") return NextResponse.next({ ...init, request });
  if (how !== "rewrite") return constants[how];
  const rewrite = rewrites.get(origin) ?? NextResponse.rewrite(new URL("/proxied/elsewhere", origin));
  rewrites.set(origin, rewrite);
  return rewrite;
}

let users = 0;

export const proxy: (request: NextRequest) => Promise<Response> = sessionProxy(sessions, (session, request) => {
  const { searchParams } = request.nextUrl;
  if (searchParams.has("closed")) return new Response("closed", { status: 403 });
  if (searchParams.has("greet")) session.set("name", "set by the proxy");
  if (searchParams.has("in")) session.login(`user-${++users}`);
  return answer(request);
});

export const config = { matcher: ["/page", "/proxied/:how"] };
