import { createSessions } from "../../sessions.ts";
import { memoryStore } from "../../stores/memory.ts";
import { type ConformanceCase, same } from "../check.ts";
import { deferred } from "../deferred.ts";
import type { AdapterApp, AdapterTraits, ServeAdapter } from "./app.ts";
import { type Check, everyBackend, storeOnly, whereErrorsAreAnswered } from "./cases.ts";
import { Client, cookieName, type Data, SwitchableStore, WatchedSessions } from "./client.ts";
import { type AppVariant, RouteRecorder } from "./routes.ts";
import { ConnectionPool } from "./tour.ts";
import { inTurns, twoVisitors } from "./two-visitors.ts";
import { Witness } from "./witness.ts";

/** Far more than any case takes, on a machine that is busy. */
const DEADLINE_MS = 15_000;

/**
 * What every adapter of Flagon has to do, tried over real sockets with sealed cookies, with revocations and with a store.
 * Free of any test runner: `for (const { name, run } of adapterConformance(serve)) test(name, run);`
 *
 * Nothing that outlives a request may ever be written to by one. So two visitors and strangers are at work in turns, and
 * each answer, from the status line to the last byte, is held against who asked for it; and that on apps that share what
 * apps share: answers and their heads (`sharedHeads`), frozen or not, and configuration (`AdapterApp.shared`).
 */
export function adapterConformance(serve: ServeAdapter, traits: AdapterTraits = {}): ConformanceCase[] {
  const { answersErrors = true, sharedHeads = ["shared"] } = traits;
  const checks = { ...everyBackend, ...(answersErrors ? whereErrorsAreAnswered : {}) };
  return backends.flatMap((backend) => {
    const add = (name: string, check: Check, variant: Partial<AppVariant> = {}): ConformanceCase =>
      caseOf(serve, name, { backend, check, answersErrors, variant: { ...plainest, ...variant } });
    const addAll = (of: Record<string, Check>): ConformanceCase[] =>
      Object.entries(of).map(([name, check]) => add(name, check));
    return [
      ...(backend === "revocable" ? [] : addAll(checks)),
      ...(backend === "stored" ? addAll(storeOnly) : []),
      ...addAll(twoVisitors),
      add("a plug-in that writes on each session writes on nobody else's", onOne, { hasPlugIn: true }),
      add("configuration that is frozen is left alone", onOne, { isFrozen: true }),
      ...sharedHeads.flatMap((way) => [
        add(`a head that is made once stays what it was: ${way}`, onOne, { way }),
        add(`a head that is made once and frozen goes to everybody: ${way}`, onOne, { way, isFrozen: true }),
      ]),
    ];
  });
}

const backends = ["sealed", "revocable", "stored"] as const;
const plainest: AppVariant = { way: null, isFrozen: false, hasPlugIn: false };
const onOne: Check = (world) => inTurns(world, true);

interface CaseSetup {
  readonly backend: (typeof backends)[number];
  readonly check: Check;
  readonly answersErrors: boolean;
  readonly variant: AppVariant;
}

function caseOf(
  serve: ServeAdapter,
  name: string,
  { backend, check, answersErrors, variant }: CaseSetup,
): ConformanceCase {
  const run = async (): Promise<void> => {
    const recorder = new RouteRecorder(variant);
    const { shared } = recorder;
    const store = new SwitchableStore(memoryStore());
    const secret = "only for the conformance suite: 7Jm2vQx9RkTz4LpW";
    const where = { sealed: {}, revocable: { revocations: store }, stored: { store } }[backend];
    const options = { secret, cookie: { name: cookieName }, ...where };
    const inner = createSessions<Data>(shared.keep(options, "the options of createSessions"));
    const sessions = new WatchedSessions(inner, backend !== "sealed");
    const unhandled: unknown[] = [];
    const notice = (error: unknown): number => unhandled.push(error);
    process.on("unhandledRejection", notice);
    let close = (): unknown => undefined;
    try {
      const { routes } = recorder;
      const share: AdapterApp["shared"] = (configuration) => shared.keep(configuration, "what the app has shared");
      const running = await serve({ sessions, routes, shared: share });
      const { origin } = running;
      const connections = new ConnectionPool(origin);
      close = () => {
        connections.close();
        return running.close();
      };
      const visitor = (): Client => new Client(origin);
      const witness = new Witness();
      const context = { sessions, store, recorder, witness, variant, connections, origin, answersErrors, visitor };
      await inTime(check(context));
      // Rejections are reported a turn after they happened.
      await new Promise((resolve) => setImmediate(resolve));
      same(unhandled.map(String), [], "promises that were rejected and that nobody handled");
      same(shared.changes(), [], "what was written to, although it outlives the request");
    } finally {
      recorder.finishSlow();
      await close();
      recorder.plugIn.undo();
      process.off("unhandledRejection", notice);
    }
  };
  return { name: `${backend}: ${name}`, run };
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
