import { cookies, headers } from "next/headers.js";
import { type NextRequest, NextResponse } from "next/server.js";
import { isSessionError } from "../errors.ts";
import { type HeaderLine, isSetCookie } from "../http/headers.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import type { Sessions } from "../sessions.ts";
import { discard, withLines } from "./shared/fetch-response.ts";
import { NextAppRequest } from "./shared/next-request.ts";
import { readSetCookie } from "./shared/set-cookie.ts";

export type { Register } from "../index.ts";

/** What a component can do with a session: read it. */
export type ReadonlySession<Data extends object = RegisteredData> = Readonly<
  Omit<Session<Data>, Changing | "permanent"> & Pick<Session<Data>, "permanent">
>;
type Changing = (typeof changing)[number];
const changing = [
  "clear",
  "csrfToken",
  "delete",
  "destroy",
  "flash",
  "login",
  "logout",
  "pop",
  "rotate",
  "set",
  "update",
] as const;

/**
 * The session in a server component, a layout or anywhere else below `app/`: `const session = await getSession(sessions)`.
 *
 * Read-only, since a component can't set cookies: what would change the session throws a `TypeError`, and `flashes()`
 * leaves the messages where they are. It sees what the proxy, or the action that this rendering answers, has changed.
 */
export async function getSession<Data extends object = RegisteredData>(
  sessions: Sessions<Data>,
): Promise<ReadonlySession<Data>> {
  // HEAD: a request that reads and shows nobody anything, so that flashes stay for one that may remove them.
  return readOnly(await sessions.open(await source("HEAD")));
}

/**
 * Gives a route handler or a server action its session, as the first argument, and saves it.
 *
 * ```ts
 * export const POST = withSession(sessions, async (session, request: Request) => Response.json(session.userId));
 * export const signOut = withSession(sessions, async (session) => {
 *   session.logout();
 *   redirect("/");
 * });
 * ```
 *
 * Saved when the handler is through, also when it throws `redirect()`, `notFound()` and their like; what else it throws is
 * thrown on, and nothing is saved. In a route handler, a `SessionError` is answered with its status; in an action it is
 * thrown, to the nearest error page.
 */
export function withSession<Data extends object, Args extends unknown[], Result>(
  sessions: Sessions<Data>,
  handler: (session: Session<Data>, ...args: Args) => Result | Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const request = args[0] instanceof Request ? args[0] : null;
    let result: Result | undefined;
    try {
      const session = await sessions.open(await source(request?.method ?? "POST"));
      try {
        result = await handler(session, ...args);
      } catch (error) {
        if (!isNavigation(error)) throw error;
        if (request === null) {
          await setCookies(await sessions.commit(session));
          throw error;
        }
        result = answerOf(error, request) as Result;
      }
      if (!(result instanceof Response)) {
        await setCookies(await sessions.commit(session));
        return result;
      }
      const { headers } = result;
      return withLines(result, await sessions.commit(session, { header: (name) => headers.get(name) })) as Result;
    } catch (error) {
      if (request === null || !isSessionError(error)) throw error;
      if (result instanceof Response) discard(result);
      return error.getResponse() as Result;
    }
  };
}

/**
 * For `proxy.ts`: renews the session's cookie where a rendering could not, and shows the session to a handler, which may
 * change it, answer the request itself (a redirect to the sign-in page, say), or return nothing to let it through.
 *
 * ```ts
 * export const proxy = sessionProxy(sessions);
 * export const config = { matcher: "/((?!_next/static|_next/image|favicon.ico).*)" };
 * ```
 *
 * What it writes is visible to the same request's components. Without a handler, a store that is down stops nobody here.
 */
export function sessionProxy<Data extends object>(
  sessions: Sessions<Data>,
  handler?: (session: Session<Data>, request: NextRequest) => ProxyAnswer | Promise<ProxyAnswer>,
): (request: NextRequest) => Promise<Response> {
  return async (request) => {
    let answer: ProxyAnswer;
    try {
      const cookieHeader = request.headers.get("cookie") ?? "";
      const session = await sessions.open(new NextAppRequest(request.method, request.headers, cookieHeader));
      answer = await handler?.(session, request);
      void session.isNew; // a look: only a session that was looked at is renewed
      const response = answer ?? NextResponse.next();
      const lines = await sessions.commit(session, { header: (name) => response.headers.get(name) });
      // A page that nobody's session had a part in stays cacheable.
      if (handler === undefined && !lines.some(([name]) => isSetCookie(name))) return response;
      return response instanceof NextResponse ? withNextLines(response, lines) : withLines(response, lines);
    } catch (error) {
      if (!isSessionError(error)) throw error;
      if (handler === undefined && error.status === 503) return NextResponse.next();
      discard(answer);
      return error.getResponse();
    }
  };
}

/** What a proxy's handler may answer; undefined lets the request through. */
export type ProxyAnswer = Response | undefined;

async function source(method: string): Promise<NextAppRequest> {
  const all = (await cookies()).getAll();
  const cookieHeader = all.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`).join("; ");
  return new NextAppRequest(method, await headers(), cookieHeader);
}

async function setCookies(lines: readonly HeaderLine[]): Promise<void> {
  const jar = await cookies();
  for (const [name, value] of lines) if (isSetCookie(name)) jar.set(readSetCookie(value));
}

/** By Next's own jar, which passes the cookies on to the components of this request. */
function withNextLines(response: NextResponse, lines: readonly HeaderLine[]): NextResponse {
  for (const [name, value] of lines) {
    if (isSetCookie(name)) response.cookies.set(readSetCookie(value));
    else response.headers.set(name, value);
  }
  return response;
}

/** How `redirect()`, `notFound()`, `forbidden()` and `unauthorized()` leave a handler. */
function isNavigation(error: unknown): error is Error & { digest: string } {
  const digest = error instanceof Error && "digest" in error ? String(error.digest) : "";
  return digest.startsWith("NEXT_REDIRECT") || digest.startsWith("NEXT_HTTP_ERROR_FALLBACK");
}

/**
 * What Next would make of it in a route handler: there, nothing but the cookies would reach the answer, and with
 * `notFound()` not even those. A redirect that signs somebody in has to tell caches that it is theirs alone.
 */
function answerOf({ digest }: { readonly digest: string }, request: Request): Response {
  const [kind, ...rest] = digest.split(";");
  if (kind !== "NEXT_REDIRECT") return new Response(null, { status: Number(rest[0]) });
  // A destination may hold semicolons; the status is the last but one.
  const location = rest.slice(1, -2).join(";");
  const status = isFormPost(request) ? 303 : Number(rest.at(-2));
  return new Response(null, { status, headers: { location } });
}

/** After these Next redirects to a GET, whatever the status that was asked for. */
function isFormPost({ method, headers }: Request): boolean {
  const type = headers.get("content-type") ?? "";
  return (
    method === "POST" &&
    (headers.has("next-action") || /^(application\/x-www-form-urlencoded|multipart\/form-data)/.test(type))
  );
}

function readOnly<Data extends object>(session: Session<Data>): ReadonlySession<Data> {
  const refuse = (): never => {
    throw new TypeError(
      "a component can't set cookies, so this session is read-only; change it in a route handler or a server action, inside withSession(sessions, …)",
    );
  };
  const isChanging = (name: string | symbol): boolean => changing.some((each) => each === name);
  return new Proxy(session, {
    get(target, name) {
      if (isChanging(name)) return refuse;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
    set: refuse,
  });
}
