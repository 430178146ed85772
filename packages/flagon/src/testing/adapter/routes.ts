import type { HeaderLine } from "../../http/headers.ts";
import type { Session } from "../../session.ts";
import { type Deferred, deferred } from "../deferred.ts";
import type { AdapterReply, AdapterRoute, SharedReply } from "./app.ts";
import type { Data } from "./client.ts";
import { count, counted, largeChunks, look, type Member, mineOf, nest, newMember, signIn, text } from "./handlers.ts";
import { PlugIn } from "./plug-in.ts";
import { SharedObjects } from "./shared-head.ts";

/** In what the app of a case differs from the plainest one. */
export interface AppVariant {
  /** How answers are given their head, from objects that are made once; null: each answer has a head of its own. */
  readonly way: string | null;
  /** Whether what the app makes once is frozen. */
  readonly isFrozen: boolean;
  /** Whether a plug-in writes on each request's session. */
  readonly hasPlugIn: boolean;
}

/** What each answer of an app with shared heads has, unless the route has a header of that name itself. */
export const sharedLines: readonly HeaderLine[] = [
  ["content-type", "text/plain"],
  ["cache-control", "public, max-age=60"],
  ["vary", "accept-encoding"],
  ["x-own", "shared"],
  ["set-cookie", "own=1; Path=/"],
  ["set-cookie", "own-too=2; Path=/; HttpOnly"],
];

/** The routes of one case's app, and what their handlers saw, for the suite to look at. */
export class RouteRecorder {
  /** What the change at "/late" threw. */
  lateError: unknown = null;
  /** How often the POST route ran. */
  posts = 0;
  /** Where a session showed what a plug-in had written on another one. */
  readonly traces: string[] = [];
  readonly plugIn: PlugIn = new PlugIn();
  readonly shared: SharedObjects;
  readonly members: readonly [Member, Member] = [newMember("ann"), newMember("bob")];
  readonly routes: readonly AdapterRoute[];
  readonly #variant: AppVariant;
  #slow: { readonly begun: Deferred<void>; readonly finish: Deferred<void> } = newGate();

  constructor(variant: AppVariant) {
    this.#variant = variant;
    this.shared = new SharedObjects(variant.isFrozen);
    this.routes = this.#makeRoutes().map((route) => ({ ...route, handle: (session) => this.#handle(route, session) }));
  }

  /** Resolves when the handler of "/slow" has begun. */
  get slowBegun(): Promise<void> {
    return this.#slow.begun.promise;
  }

  /** Lets "/slow" answer; the next request there waits again. */
  finishSlow(): void {
    this.#slow.finish.resolve();
    this.#slow = newGate();
  }

  #makeRoutes(): AdapterRoute[] {
    return [
      get("/plain", () => text("plain", [["cache-control", "public, max-age=60"]])),
      get("/look", (session) => text(`saw ${look(session)}`)),
      get("/look/public", (session) =>
        text(`saw ${look(session)}`, [
          ["cache-control", "public, max-age=60"],
          ["vary", "accept-encoding"],
        ]),
      ),
      get("/look/private", (session) => text(`saw ${look(session)}`, [["cache-control", "private, max-age=5"]])),
      get("/count", (session) => text(`counted ${counted(session)}`)),
      get("/count/later", async (session) => {
        await new Promise((resolve) => setImmediate(resolve));
        return text(`counted ${counted(session)}`);
      }),
      get("/cookies", (session) => {
        count(session);
        return text("cookies", [
          ["set-cookie", "first=1; Path=/"],
          ["set-cookie", "second=2; Path=/; HttpOnly"],
        ]);
      }),
      get("/redirect", (session) => {
        count(session);
        return { kind: "redirect", location: "/look" };
      }),
      get("/stream", (session) => {
        const from = counted(session);
        return { kind: "stream", chunks: chunksOf(["one ", "two ", `three ${from}`]) };
      }),
      get("/large", (session) => {
        count(session);
        return { kind: "stream", chunks: chunksOf(largeChunks) };
      }),
      get("/late", (session) => {
        count(session);
        return { kind: "stream", chunks: this.#changeLate(session) };
      }),
      get("/not-modified", (session) => {
        count(session);
        return { kind: "empty", status: 304 };
      }),
      get("/no-content", (session) => {
        count(session);
        return { kind: "empty", status: 204 };
      }),
      get("/gone", (session) => ({ ...text(`gone ${counted(session)}`), status: 410 })),
      get("/throw", (session) => {
        count(session);
        nest(session);
        throw new Error("thrown by the handler");
      }),
      get("/slow", async (session) => {
        const { begun, finish } = this.#slow;
        count(session);
        begun.resolve();
        await finish.promise;
        return text(`slow ${look(session)}`);
      }),
      { method: "POST", path: "/post", handle: (session) => text(`posted ${counted(session)} ${++this.posts}`) },
      ...this.members.map((member, index) => get(`/sign-in/${index}`, (session) => signIn(session, member))),
      get("/mine", (session) => text(JSON.stringify(mineOf(session)))),
      get("/flash", (session) => {
        session.flash(`${session.get("message") ?? "for anybody"} ${count(session)}`);
        return text("flashed");
      }),
      get("/flashes", (session) => text(JSON.stringify(session.flashes().map(({ message }) => message)))),
      get("/nest", (session) => text(`nested ${nest(session)}`)),
      get("/rotate", (session) => {
        session.rotate();
        return text(`rotated ${counted(session)}`);
      }),
      get("/sign-out", (session) => {
        session.logout();
        return text("signed out");
      }),
      get("/plug-in", (session) => {
        this.plugIn.writeOn(session, String(session.get("name") ?? "a stranger"), true);
        return text("hung");
      }),
      get("/plug-in/traces", (session) => text(`traces: ${this.plugIn.tracesOn(session, true).join(", ")}`)),
    ];
  }

  async #handle(route: AdapterRoute, session: Session<Data>): Promise<AdapterReply> {
    const { way, hasPlugIn } = this.#variant;
    if (hasPlugIn) {
      this.traces.push(...this.plugIn.tracesOn(session, false).map((trace) => `${route.path}: ${trace}`));
    }
    try {
      const reply = await route.handle(session);
      return way === null ? reply : this.#share(way, reply);
    } finally {
      if (hasPlugIn) this.plugIn.writeOn(session, route.path, false);
    }
  }

  #share(way: string, reply: AdapterReply): AdapterReply {
    if (reply.kind === "shared") return reply;
    if (reply.kind === "redirect") return this.#shared(way, 302, [["location", reply.location]], null);
    if (reply.kind === "stream") return this.#shared(way, 200, [], reply.chunks);
    if (reply.kind === "empty") return this.#shared(way, reply.status, [], null);
    return this.#shared(way, reply.status ?? 200, reply.headers ?? [], reply.body);
  }

  #shared(way: string, status: number, lines: readonly HeaderLine[], body: SharedReply["body"]): SharedReply {
    // Routes that want the same have the same head, so that what one of them leaves in it the next one shows.
    const added = lines.filter((line) => !sharedLines.some((each) => each.join() === line.join()));
    const replaced = new Set(added.map(([name]) => name).filter((name) => name !== "set-cookie"));
    const common = sharedLines.filter(([name]) => !replaced.has(name));
    return { kind: "shared", way, status, head: this.shared.head(status, [...common, ...added]), body };
  }

  async *#changeLate(session: Session<Data>): AsyncGenerator<string> {
    yield "begun, ";
    // The first chunk may be fetched ahead of the head; the second is not fetched before the head has left.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      session.set("late", true);
    } catch (error) {
      this.lateError = error;
    }
    yield "ended";
  }
}

function newGate(): { begun: Deferred<void>; finish: Deferred<void> } {
  return { begun: deferred(), finish: deferred() };
}

function get(path: string, handle: AdapterRoute["handle"]): AdapterRoute {
  return { method: "GET", path, handle };
}

async function* chunksOf(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}
