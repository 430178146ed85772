import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { NodeRequest } from "../../src/adapters/shared/node-request.ts";
import { SessionError } from "../../src/errors.ts";
import type { HeaderLine } from "../../src/http/headers.ts";
import type { Session } from "../../src/session.ts";
import { type AdapterApp, type AdapterReply, adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { listen } from "./listen.ts";

type Sessions = AdapterApp["sessions"];
type Data = Record<string, unknown>;

/** An adapter for replies that are known whole, with places where one can go wrong. */
const sound = {
  async open(sessions: Sessions, request: IncomingMessage): Promise<Session<Data>> {
    return await sessions.open(new NodeRequest(request));
  },
  async commit(sessions: Sessions, session: Session<Data>, response: ServerResponse): Promise<readonly HeaderLine[]> {
    return await sessions.commit(session, { header: (name) => response.getHeader(name) });
  },
  write(response: ServerResponse, lines: readonly HeaderLine[], _reply?: AdapterReply): void {
    for (const [name, value] of lines) {
      if (name.toLowerCase() === "set-cookie") response.appendHeader(name, value);
      else response.setHeader(name, value);
    }
  },
  async send(response: ServerResponse, reply: AdapterReply, commit: () => Promise<void>): Promise<void> {
    await commit();
    await body(response, reply);
  },
  fail(response: ServerResponse, error: unknown): void {
    for (const name of response.getHeaderNames()) if (name !== "set-cookie") response.removeHeader(name);
    const known = error instanceof SessionError ? error : undefined;
    response.writeHead(known?.status ?? 500, { ...known?.headers }).end("failed");
  },
  failed(): void {},
  /** What Node is given of a list that the app shares: it appends to the very list that it was given. */
  valuesOf: (values: string | string[]): string | string[] => (typeof values === "string" ? values : [...values]),
  /** Is shown the app's configuration with each request. */
  configure(_configuration: object, _session: Session<Data>): void {},
};

/** The ways in which the adapter takes a head that was made once. */
const sharedHeads = ["lists", "Response"];

/** Sets what the app wants in the head, before the commit looks at it. */
function head({ valuesOf }: typeof sound, response: ServerResponse, reply: AdapterReply): void {
  if (reply.kind === "shared") {
    const { object, response: whole } = reply.head;
    if (reply.way === "lists") {
      for (const [name, values] of Object.entries(object)) response.setHeader(name, valuesOf(values));
    } else response.setHeaders(whole.headers);
    response.statusCode = reply.status;
    return;
  }
  if (reply.kind === "redirect") response.setHeader("location", reply.location);
  if (reply.kind === "text") for (const [name, value] of reply.headers ?? []) response.appendHeader(name, value);
  response.statusCode = reply.kind === "redirect" ? 302 : reply.kind === "stream" ? 200 : (reply.status ?? 200);
}

async function body(response: ServerResponse, reply: AdapterReply): Promise<void> {
  const whole = reply.kind === "text" || reply.kind === "shared" ? reply.body : null;
  const chunks = reply.kind === "stream" ? reply.chunks : whole;
  if (chunks === null || typeof chunks === "string") return void response.end(chunks ?? undefined);
  for await (const chunk of chunks) response.write(chunk);
  response.end();
}

function serveWith(broken: Partial<typeof sound>): ServeAdapter {
  const adapter = { ...sound, ...broken };
  return ({ sessions, routes, shared }) => {
    const configuration = shared({ proxy: false });
    return listen(async (request, response) => {
      let session: Session<Data> | undefined;
      let reply: AdapterReply = lost;
      let committed = false;
      const commit = async (): Promise<void> => {
        if (session === undefined || committed) return;
        committed = true;
        adapter.write(response, await adapter.commit(sessions, session, response), reply);
      };
      const method = request.method === "HEAD" ? "GET" : request.method;
      const route = routes.find((each) => each.method === method && each.path === request.url);
      try {
        session = await adapter.open(sessions, request);
        adapter.configure(configuration, session);
        if (route !== undefined) reply = await route.handle(session);
        head(adapter, response, reply);
        await adapter.send(response, reply, commit);
      } catch (error) {
        try {
          await commit();
        } catch {
          adapter.failed();
        }
        adapter.fail(response, error);
      }
    });
  };
}

const lost: AdapterReply = { kind: "text", status: 404, body: "nowhere" };

/** The suite's cases with sealed cookies, by their name without that. */
const casesFor = (serve: ServeAdapter): Map<string, () => Promise<void>> =>
  new Map(
    adapterConformance(serve, { sharedHeads })
      .filter(({ name }) => name.startsWith("sealed: "))
      .map(({ name, run }) => [name.slice("sealed: ".length), run]),
  );

test("a sound adapter passes", async () => {
  for (const run of casesFor(serveWith({})).values()) await run();
});

describe("the suite finds an adapter that", () => {
  const faults: [name: string, broken: Partial<typeof sound>, found: string][] = [
    [
      "commits twice",
      {
        async commit(sessions, session, response) {
          const lines = await sound.commit(sessions, session, response);
          await sound.commit(sessions, session, response);
          return lines;
        },
      },
      "there is one commit for each request, whatever the response",
    ],
    ["never commits", { commit: async () => [] }, "what one request stores the next one reads"],
    [
      "drops the app's own cookies",
      { write: (response, lines) => lines.forEach(([name, value]) => void response.setHeader(name, value)) },
      "the app's own cookies stay beside the session's",
    ],
    [
      "appends what has to be replaced",
      { write: (response, lines) => lines.forEach(([name, value]) => void response.appendHeader(name, value)) },
      "a look sets no cookie, is merged into Vary and keeps shared caches out",
    ],
    [
      "does not tell the commit what the app has set",
      { commit: async (sessions, session) => sessions.commit(session) },
      "a look sets no cookie, is merged into Vary and keeps shared caches out",
    ],
    [
      "touches the head of a session nobody looked at",
      { write: (response, lines) => sound.write(response, [["vary", "Cookie"], ...lines]) },
      "a visitor who stores nothing gets no cookie and no other header",
    ],
    [
      "sends the head before the save",
      {
        async send(response, reply, commit) {
          response.flushHeaders();
          await commit().catch(() => {});
          await body(response, reply);
        },
      },
      "nothing of a response leaves before the session is saved",
    ],
    [
      "sends a redirect before the save",
      {
        async send(response, reply, commit) {
          if (reply.kind !== "redirect") return sound.send(response, reply, commit);
          response.end();
          await commit().catch(() => {});
        },
      },
      "nothing of a response leaves before the session is saved",
    ],
    [
      "commits a stream at its end",
      {
        async send(response, reply, commit) {
          if (reply.kind !== "stream") return sound.send(response, reply, commit);
          const chunks: string[] = [];
          for await (const chunk of reply.chunks) chunks.push(chunk);
          await commit();
          response.end(chunks.join(""));
        },
      },
      "a change after the response has started throws",
    ],
    [
      "sends the response although the save failed",
      { commit: (...args) => sound.commit(...args).catch(() => []) },
      "a session that can't be saved is the framework's own error",
    ],
    [
      "answers a failed save with 500 whatever it was",
      { fail: (response) => sound.fail(response, new Error("failed")) },
      "a session that can't be saved is the framework's own error",
    ],
    [
      "keeps the lost response's head in the error page",
      {
        fail: (response, error) => {
          response.writeHead(error instanceof SessionError ? error.status : 500, { "retry-after": "5" }).end("failed");
        },
      },
      "a session that can't be saved is the framework's own error",
    ],
    [
      "lets a failed save be an unhandled rejection",
      { failed: () => void Promise.reject(new Error("left alone")) },
      "an error page that can't be saved either is still an answer",
    ],
    [
      "runs the handler of a refused request",
      {
        open: async (sessions, request) =>
          sessions.open(
            Object.assign(new NodeRequest({ ...request, headers: { cookie: request.headers.cookie ?? "" } })),
          ),
      },
      "a request from another site is refused before the handler",
    ],
    [
      "gives everybody the first visitor's session",
      (() => {
        let first: Session<Data> | undefined;
        return {
          async open(sessions: Sessions, request: IncomingMessage) {
            first ??= await sound.open(sessions, request);
            return first;
          },
        };
      })(),
      "what one request stores the next one reads",
    ],
    [
      "appends to a list of cookies that the app shares",
      { valuesOf: (values) => values },
      "a head that is made once stays what it was: lists",
    ],
    [
      "takes a list of cookies that the app shares, and fails where it is frozen",
      { valuesOf: (values) => values },
      "a head that is made once and frozen goes to everybody: lists",
    ],
    [
      "writes on a Response that the app shares",
      {
        write(response, lines, reply) {
          sound.write(response, lines);
          if (reply?.kind !== "shared") return;
          for (const [name, value] of lines) reply.head.response.headers.append(name, value);
        },
      },
      "a head that is made once stays what it was: Response",
    ],
    [
      "keeps the session on the app's configuration",
      { configure: (configuration, session) => Object.assign(configuration, { session }) },
      "configuration that is frozen is left alone",
    ],
    [
      "keeps the session on the app's configuration, where that can be written on",
      { configure: (configuration, session) => void Reflect.set(configuration, "session", session) },
      "two visitors and a stranger in turns each get their own",
    ],
    [
      "writes on whichever session was opened last",
      (() => {
        let last: Session<Data> | undefined;
        return {
          async open(sessions: Sessions, request: IncomingMessage) {
            last = await sound.open(sessions, request);
            return last;
          },
          commit: (sessions: Sessions, session: Session<Data>, response: ServerResponse) =>
            sound.commit(sessions, last ?? session, response),
        };
      })(),
      "a visitor's slow request gets their own, whatever another visitor does meanwhile",
    ],
    [
      "sends cookies with the answer that comes next",
      (() => {
        let late: HeaderLine[] = [];
        return {
          write(response: ServerResponse, lines: readonly HeaderLine[]) {
            const isCookie = ([name]: HeaderLine): boolean => name.toLowerCase() === "set-cookie";
            sound.write(response, [...late, ...lines.filter((line) => !isCookie(line))]);
            late = lines.filter(isCookie);
          },
        };
      })(),
      "two visitors and a stranger in turns on one connection each get their own",
    ],
    [
      "does not save what an error page comes with",
      {
        commit: async (sessions, session, response) =>
          response.req.url === "/throw" ? [] : sound.commit(sessions, session, response),
      },
      "a handler that throws gets the framework's error page, with one commit and the cookie",
    ],
    [
      "buffers a body and loses its end",
      {
        async send(response, reply, commit) {
          if (reply.kind !== "stream") return sound.send(response, reply, commit);
          await commit();
          for await (const chunk of reply.chunks) {
            response.write(chunk);
            if (response.writableNeedDrain) break;
          }
          response.end();
        },
      },
      "a body of a megabyte arrives whole and in order",
    ],
  ];

  test.each(faults)("%s", async (_, broken, found) => {
    await expect(casesFor(serveWith(broken)).get(found)?.()).rejects.toThrow();
  });
});
