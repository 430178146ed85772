import type { HeaderLine } from "../../http/headers.ts";
import type { Session } from "../../session.ts";
import { deferred } from "../deferred.ts";
import type { Data } from "./client.ts";

/** What a route answers with. Each framework says it in its own way: its own redirect, its own stream. */
export type AdapterReply =
  | {
      readonly kind: "text";
      /** 200 unless given. */
      readonly status?: number;
      /** The app's own headers, to be sent as they are; a name may come twice. */
      readonly headers?: readonly HeaderLine[];
      readonly body: string;
    }
  | { readonly kind: "redirect"; readonly location: string }
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<string> }
  | { readonly kind: "empty"; readonly status: 204 | 304 };

/** A route for the app under test to mount. The suite looks for nothing at other paths. */
export interface AdapterRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** What the framework's handler does. What it throws is thrown on, to the framework's own error path. */
  handle(session: Session<Data>): AdapterReply | Promise<AdapterReply>;
}

/** What the handlers saw, for the suite to look at. */
export class RouteRecorder {
  /** What the change at "/late" threw. */
  lateError: unknown = null;
  /** How often the POST route ran. */
  posts = 0;
  readonly slowBegun: Promise<void>;
  readonly finishSlow: () => void;
  readonly routes: readonly AdapterRoute[];

  constructor() {
    const [begun, finish] = [deferred(), deferred()];
    this.slowBegun = begun.promise;
    this.finishSlow = finish.resolve;
    this.routes = [
      get("/plain", () => text("plain", [["cache-control", "public, max-age=60"]])),
      get("/look", (session) => text(`saw ${look(session)}`)),
      get("/look/public", (session) =>
        text(`saw ${look(session)}`, [
          ["cache-control", "public, max-age=60"],
          ["vary", "accept-encoding"],
        ]),
      ),
      get("/look/private", (session) => text(`saw ${look(session)}`, [["cache-control", "private, max-age=5"]])),
      get("/count", (session) => text(`counted ${count(session)}`)),
      get("/count/later", async (session) => {
        await new Promise((resolve) => setImmediate(resolve));
        return text(`counted ${count(session)}`);
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
        const from = count(session);
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
      get("/gone", (session) => ({ ...text(`gone ${count(session)}`), status: 410 })),
      get("/throw", (session) => {
        count(session);
        throw new Error("thrown by the handler");
      }),
      get("/slow", async (session) => {
        count(session);
        begun.resolve();
        await finish.promise;
        return text("slow");
      }),
      { method: "POST", path: "/post", handle: (session) => text(`posted ${count(session)} ${++this.posts}`) },
    ];
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

/** A megabyte, in pieces that differ. */
export const largeChunks: readonly string[] = Array.from({ length: 64 }, (_, index) => `${index}:`.padEnd(16_384, "x"));

function get(path: string, handle: AdapterRoute["handle"]): AdapterRoute {
  return { method: "GET", path, handle };
}

function text(body: string, headers: readonly HeaderLine[] = []): AdapterReply & { kind: "text" } {
  return { kind: "text", body, headers };
}

function look(session: Session<Data>): string {
  return String(session.get("count") ?? "nothing");
}

function count(session: Session<Data>): number {
  return session.update("count", (value) => Number(value ?? 0) + 1) as number;
}

async function* chunksOf(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}
