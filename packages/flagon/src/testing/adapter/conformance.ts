import { createSessions, type Sessions } from "../../sessions.ts";
import { memoryStore } from "../../stores/memory.ts";
import { type ConformanceCase, same } from "../check.ts";
import { deferred } from "../deferred.ts";
import { type Check, everyHome, storeOnly, whereErrorsAreAnswered } from "./cases.ts";
import { Client, cookieName, type Data, SwitchableStore, WatchedSessions } from "./client.ts";
import { type AdapterRoute, RouteRecorder } from "./routes.ts";

export type { AdapterReply, AdapterRoute } from "./routes.ts";

/** Far more than any case takes, on a machine that is busy. */
const DEADLINE_MS = 15_000;

/** What a server under test is made of. */
export interface AdapterApp {
  /** To be given to the adapter as they are. */
  readonly sessions: Sessions<Data>;
  /** To be mounted behind the adapter. A GET route answers HEAD as well, in the framework's own way. */
  readonly routes: readonly AdapterRoute[];
}

/** A server that runs, and how to stop it. */
export interface RunningAdapter {
  /** As in "http://127.0.0.1:3000": plain HTTP/1.1 on a loopback address. */
  readonly origin: string;
  close(): unknown;
}

/** Starts a real server of the framework with the app on it. Called once for each case. */
export type ServeAdapter = (app: AdapterApp) => RunningAdapter | Promise<RunningAdapter>;

/** In what a framework differs from the others, so that the suite asks it for no more than it can do. */
export interface AdapterTraits {
  /**
   * Whether the framework makes a response of what a handler throws, and the adapter sees it; default true. A fetch
   * handler that throws has none: what was changed before is then not saved.
   */
  readonly answersErrors?: boolean;
}

/**
 * What every adapter of Flagon has to do, tried over real sockets with sealed cookies and with a store. Free of any test
 * runner: `for (const { name, run } of adapterConformance(serve)) test(name, run);`
 */
export function adapterConformance(serve: ServeAdapter, traits: AdapterTraits = {}): ConformanceCase[] {
  const checks = { ...everyHome, ...(traits.answersErrors === false ? {} : whereErrorsAreAnswered) };
  return [
    ...Object.entries(checks).map(([name, check]) => caseOf(serve, `sealed: ${name}`, false, check)),
    ...Object.entries({ ...checks, ...storeOnly }).map(([name, check]) =>
      caseOf(serve, `stored: ${name}`, true, check),
    ),
  ];
}

function caseOf(serve: ServeAdapter, name: string, isStored: boolean, check: Check): ConformanceCase {
  const run = async (): Promise<void> => {
    const store = new SwitchableStore(memoryStore());
    const secret = "only for the conformance suite: 7Jm2vQx9RkTz4LpW";
    const inner = createSessions<Data>({ secret, cookie: { name: cookieName }, ...(isStored ? { store } : {}) });
    const sessions = new WatchedSessions(inner, isStored);
    const witness = new RouteRecorder();
    const unhandled: unknown[] = [];
    const notice = (error: unknown): number => unhandled.push(error);
    process.on("unhandledRejection", notice);
    let close = (): unknown => undefined;
    try {
      const running = await serve({ sessions, routes: witness.routes });
      close = () => running.close();
      const { origin } = running;
      await inTime(check({ sessions, store, witness, origin, visitor: () => new Client(origin) }));
      // Rejections are reported a turn after they happened.
      await new Promise((resolve) => setImmediate(resolve));
      same(unhandled.map(String), [], "promises that were rejected and that nobody handled");
    } finally {
      witness.finishSlow();
      await close();
      process.off("unhandledRejection", notice);
    }
  };
  return { name, run };
}

/** A request that is never answered is a failure too, and one that says so. */
async function inTime(work: Promise<void>): Promise<void> {
  const late = deferred();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${DEADLINE_MS / 1000} seconds`)), DEADLINE_MS);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
