import { holds, same } from "../check.ts";
import { cookieName, sessionCookies } from "./client.ts";
import type { Member, Mine } from "./handlers.ts";
import { headerOf, type RawReply, type RawRequest, valuesOf } from "./raw-http.ts";
import type { AppVariant } from "./routes.ts";
import type { Person, Witness } from "./witness.ts";

/** One request, and what its answer has to be. */
export interface Step {
  readonly path: string;
  /** Default "GET". */
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  /** 200 unless given; null for a redirect, whose status is the framework's to choose. */
  readonly status?: number | null;
  /** Whether the visitor's count is one more afterwards. */
  readonly counts?: boolean;
  /** "untouched": the handler does not look at the session. "failed": the answer is the framework's error page. */
  readonly kind?: "untouched" | "failed";
  /** The body, when the count is what it is afterwards; left out where it is the framework's. */
  readonly body?: (visitor: TourVisitor) => string;
  /** What else is another in the visitor's session afterwards, whatever the method. */
  readonly change?: (visitor: TourVisitor) => void;
  /** What is looked at, or so, after an answer that has a body. */
  readonly after?: (visitor: TourVisitor, reply: RawReply) => void;
}

/** Who asks in turns with others: what they have in their jar, and what their session has to hold. */
export class TourVisitor implements Person {
  readonly name: string;
  /** Null for a stranger. */
  readonly member: Member | null;
  cookie: string | null = null;
  count = 0;
  items = 0;
  messages: string[] = [];

  constructor(member: Member | null) {
    this.member = member;
    this.name = member?.name ?? "a stranger";
  }

  /** What is appended to a body that says for whom it is. */
  get suffix(): string {
    return this.member === null || this.cookie === null ? "" : ` for ${this.name}`;
  }

  get counted(): string {
    return `${this.count}${this.suffix}`;
  }

  request({ path, method = "GET", headers = {} }: Step, asked: string = method): RawRequest {
    const cookie = this.cookie === null ? {} : { cookie: `theme=dark; ${this.cookie}` };
    const posted = method === "POST" ? { body: "{}" } : {};
    const type = method === "POST" ? { "content-type": "application/json" } : {};
    return { method: asked, path, headers: { ...cookie, ...type, ...headers }, ...posted };
  }
}

/** Holds an answer against the step and against whoever asked; throws a sentence that says what is wrong with it. */
export function judge(
  witness: Witness,
  variant: AppVariant,
  visitor: TourVisitor,
  step: Step,
  reply: RawReply,
  asked: string = step.method ?? "GET",
): void {
  const what = `the answer to ${asked} ${step.path} for ${visitor.name}`;
  witness.hold(visitor, `${asked} ${step.path}`, reply);
  if (step.counts) visitor.count += 1;
  step.change?.(visitor);
  keepCookie(visitor, reply, what);
  holds(reply.isWhole, `${what} is not whole`);
  if (step.status !== null) same(reply.status, step.status ?? 200, `the status of ${what}`);
  else holds(/\/look$/.test(headerOf(reply, "location") ?? "") && reply.status >= 300, `${what} is no redirect`);
  if (asked === "HEAD") same(reply.body, "", `the body of ${what}`);
  else if (step.body !== undefined) same(reply.body, step.body(visitor), `the body of ${what}`);
  judgeHead(variant, step, reply, what);
  if (asked !== "HEAD") step.after?.(visitor, reply);
}

function keepCookie(visitor: TourVisitor, reply: RawReply, what: string): void {
  const lines = sessionCookies(reply);
  holds(lines.length <= 1, `${what} sets ${lines.length} session cookies`);
  const [line] = lines;
  if (line !== undefined) visitor.cookie = /=;|max-age=0/i.test(line) ? null : (line.split(";")[0] ?? null);
}

/** The app's own headers come once each, and a page is private if it looked at the session, public if it did not. */
function judgeHead({ way }: AppVariant, step: Step, reply: RawReply, what: string): void {
  if (step.kind === "failed") return;
  const names = valuesOf(reply, "set-cookie").map((line) => line.split("=")[0] ?? "");
  const own = [...(way === null ? [] : ["own", "own-too"]), ...(step.path === "/cookies" ? ["first", "second"] : [])];
  same(names.filter((name) => name !== cookieName).sort(), own.sort(), `the app's own cookies in ${what}`);
  if (way !== null) same(valuesOf(reply, "x-own"), ["shared"], `X-Own in ${what}`);
  const cookieInVary = (headerOf(reply, "vary") ?? "")
    .toLowerCase()
    .split(/\s*,\s*/)
    .filter((each) => each === "cookie");
  const cacheControl = valuesOf(reply, "cache-control");
  if (step.kind === "untouched") {
    same(cacheControl, ["public, max-age=60"], `Cache-Control of ${what}, which looked at no session`);
    same(
      [names.includes(cookieName), cookieInVary.length],
      [false, 0],
      `a session cookie in ${what}, and Cookie in Vary`,
    );
    return;
  }
  holds(
    cacheControl.length === 1 && /private/.test(cacheControl[0] ?? ""),
    `Cache-Control of ${what}: ${cacheControl}`,
  );
  same(cookieInVary.length, 1, `how often Vary names Cookie in ${what}`);
}

/** Holds what a session says of itself against whose it has to be, and tells the witness what belongs to them. */
export function judgeMine(witness: Witness, visitor: TourVisitor, body: string): void {
  const mine: Mine = JSON.parse(body);
  const { member, name } = visitor;
  const expected = [member?.userId ?? null, member?.name ?? null, member?.secret ?? null, visitor.count || null];
  same([mine.userId, mine.name, mine.secret, mine.count], expected, `user id, name, secret and count of ${name}`);
  witness.belongs(visitor, "session id", mine.id);
  witness.belongs(visitor, "CSRF token", mine.csrfToken);
}
