import { cookies, headers } from "next/headers.js";
import { type NextRequest, NextResponse } from "next/server.js";
import { isSessionError } from "../errors.ts";
import { type HeaderLine, isSetCookie } from "../http/headers.ts";
import type { RegisteredData } from "../register.ts";
import type { Session } from "../session.ts";
import type { Sessions } from "../sessions.ts";
import { discard, withLines } from "./shared/fetch-response.ts";
import { cookieHeader, NextAppRequest } from "./shared/next-request.ts";
import { type Scope, SessionScopes } from "./shared/session-scope.ts";
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
 * leaves the messages where they are. It sees what the proxy, or the action that this rendering answers, has changed. While
 * a page renders it is opened once, however many components ask; inside `withSession` it is the session of that handler.
 */
export async function getSession<Data extends object = RegisteredData>(
  sessions: Sessions<Data>,
): Promise<ReadonlySession<Data>> {
  const scope = scopes.find<Data>(sessions);
  if (scope !== undefined && scope.state !== "lost") return readOnly(scope.session, scope.request);
  const asked = await ask();
  if (!asked.isReadOnly) return await openToRead(sessions, asked);
  // Only while nothing can change in between: a handler may end the session, and look again.
  const found = rendered.get(asked.jar) ?? new Map<object, Promise<unknown>>();
  rendered.set(asked.jar, found);
  const opened = found.get(sessions) ?? openToRead(sessions, asked);
  found.set(sessions, opened);
  return (await opened) as ReadonlySession<Data>;
}

/** What has been opened for a rendering, by its cookies: Next has one such object for each. */
const rendered = new WeakMap<object, Map<object, Promise<unknown>>>();

async function openToRead<Data extends object>(sessions: Sessions<Data>, asked: Asked): Promise<ReadonlySession<Data>> {
  // HEAD: a request that reads and shows nobody anything, so that flashes stay for one that may remove them.
  const request = new NextAppRequest("HEAD", asked.head, asked.cookieHeader);
  return readOnly(await sessions.open(request), request);
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
 *
 * What a handler calls works on the handler's session, and the outermost one saves it: an action that is called inside
 * another's, or in a route handler, also several at once. Beside each other, without one around them, they run one after
 * another. A `TypeError` where no cookie can be set any more: while a page renders, in `after()`, and in what a handler
 * began and did not wait for.
 */
export function withSession<Data extends object, Args extends unknown[], Result>(
  sessions: Sessions<Data>,
  handler: (session: Session<Data>, ...args: Args) => Result | Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const outer = scopes.find<Data>(sessions);
    if (outer?.state === "open") return await handler(outer.session, ...args);
    if (outer !== undefined) throw new TypeError(`${tooLate}: wait for what a handler begins`);
    return await scopes.inTurn(await headers(), () => openAndSave(sessions, handler, args));
  };
}

const scopes = new SessionScopes<NextAppRequest>();
const tooLate = "withSession was called after the session was saved";

async function openAndSave<Data extends object, Args extends unknown[], Result>(
  sessions: Sessions<Data>,
  handler: (session: Session<Data>, ...args: Args) => Result | Promise<Result>,
  args: Args,
): Promise<Result> {
  const request = args[0] instanceof Request ? args[0] : null;
  const asked = await ask();
  if (asked.isReadOnly) {
    throw new TypeError(
      "withSession is for route handlers and server actions: here, Next lets nobody set a cookie. Read the session by getSession(sessions)",
    );
  }
  let result: Result | undefined;
  let scope: Scope<Data, NextAppRequest> | undefined;
  try {
    const source = new NextAppRequest(request?.method ?? "POST", asked.head, asked.cookieHeader, request);
    const session = await sessions.open(source);
    scope = { sessions, session, request: source, state: "open" };
    try {
      result = await scopes.run(scope, () => handler(session, ...args));
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
    if (scope !== undefined && !isNavigation(error)) scope.state = "lost";
    if (request === null || !isSessionError(error)) throw error;
    if (result instanceof Response) discard(result);
    return error.getResponse() as Result;
  }
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
    const outer = scopes.find<Data>(sessions);
    if (outer?.state === "open") return (await handler?.(outer.session, request)) ?? NextResponse.next();
    let answer: ProxyAnswer;
    try {
      const source = new NextAppRequest(request.method, request.headers, request.headers.get("cookie") ?? "", request);
      const session = await sessions.open(source);
      const scope = { sessions, session, request: source, state: "open" as const };
      answer = await scopes.run(scope, () => handler?.(session, request));
      void session.isNew; // a look: only a session that was looked at is renewed
      const response = answer ?? NextResponse.next();
      const lines = await sessions.commit(session, { header: (name) => response.headers.get(name) });
      // A page that nobody's session had a part in stays cacheable.
      if (handler === undefined && !lines.some(([name]) => isSetCookie(name))) return response;
      return withLines(response, response instanceof NextResponse ? [...lines, ...shownLines(response, lines)] : lines);
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

/** What Next tells of the request here. */
interface Asked {
  readonly head: Headers;
  readonly jar: object;
  readonly cookieHeader: string;
  /** While a page renders, and in `after()`. */
  readonly isReadOnly: boolean;
}

async function ask(): Promise<Asked> {
  const head = await headers();
  const jar = await cookies();
  // Next's cookies of a response, which can be set, have no such method; those of a request do, and it throws.
  return { head, jar, cookieHeader: cookieHeader(head, jar.getAll()), isReadOnly: "clear" in jar };
}

async function setCookies(lines: readonly HeaderLine[]): Promise<void> {
  const jar = await cookies();
  for (const [name, value] of lines) if (isSetCookie(name)) jar.set(readSetCookie(value));
}

/** The header by which Next shows the cookies that a proxy sets to the components of the same request. */
function shownLines(response: NextResponse, lines: readonly HeaderLine[]): HeaderLine[] {
  const { cookies, headers } = new NextResponse();
  for (const [name, value] of lines) if (isSetCookie(name)) cookies.set(readSetCookie(value));
  const shown = [...headers].filter(([name]) => !isSetCookie(name));
  return shown.map(([name, value]) => [name, [response.headers.get(name), value].filter(Boolean).join(", ")]);
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

function readOnly<Data extends object>(session: Session<Data>, request: NextAppRequest): ReadonlySession<Data> {
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
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => request.unseen(() => Reflect.apply(value, target, args));
    },
    set: refuse,
  });
}
