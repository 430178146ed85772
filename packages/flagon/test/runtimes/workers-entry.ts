/** The suite as a Worker. Everything up here runs while the module loads, where Workers forbid random bytes, timers and the clock. */
import { createSessions } from "flagon";
import { session } from "flagon/fetch";
import { fromFlaskConfig } from "flagon/flask";
import { memoryStore } from "flagon/memory";
import { SECRET } from "../browser.ts";
import { casesFor, runCases } from "./suite.ts";

type Data = { visits: number };

const store = memoryStore();
const adapters = {
  "/sealed": session<Data>(createSessions<Data>({ secret: SECRET })),
  "/stored": session<Data>(createSessions<Data>({ secret: SECRET, store })),
  "/revocable": session<Data>(createSessions<Data>({ secret: SECRET, revocations: store })),
  "/flask": session<Data>(createSessions<Data>(fromFlaskConfig({ SECRET_KEY: SECRET }))),
};

const counters = new Map(
  Object.entries(adapters).map(([path, withSession]) => [
    path,
    withSession((_request, session) => new Response(String(session.update("visits", (before = 0) => before + 1)))),
  ]),
);

interface Env {
  readonly KNOWN_ANSWERS: string;
  readonly FLASK_COOKIES: string;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const counter = counters.get(new URL(request.url).pathname);
    if (counter !== undefined) return counter(request);
    const world = {
      runtime: "workerd",
      knownAnswers: env.KNOWN_ANSWERS,
      flaskCookies: env.FLASK_COOKIES,
      sqlitePath: null,
    };
    return Response.json(await runCases(casesFor(world)));
  },
};
