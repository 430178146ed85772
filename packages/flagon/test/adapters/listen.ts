import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { SessionError } from "../../src/errors.ts";
import { createSessions } from "../../src/index.ts";
import type { Store } from "../../src/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { cookieName, type Data, WatchedSessions } from "../../src/testing/adapter/client.ts";
import type { AdapterApp, AdapterRoute, ConformanceCase, RunningAdapter } from "../../src/testing.ts";

/** A server on a free port of the loopback address. */
export async function listen(listener: RequestListener): Promise<RunningAdapter> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): Promise<void> => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

export function testAll(cases: readonly ConformanceCase[]): void {
  for (const { name, run } of cases) test(name, run);
}

/** An app of a test's own, for a server that is made for the suite's. */
export function appOf(sessions: AdapterApp["sessions"], routes: readonly AdapterRoute[] = []): AdapterApp {
  return { sessions, routes, shared: (configuration) => configuration };
}

/** Sessions with a store of their own, so that each commit of a change is a promise. */
export function storedSessions(store: Store = memoryStore()): WatchedSessions {
  return new WatchedSessions(createSessions<Data>({ ...options, store }), true);
}

export function sealedSessions(): WatchedSessions {
  return new WatchedSessions(createSessions<Data>(options), false);
}

const options = { secret: "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x", cookie: { name: cookieName } };

export const backends: [name: string, make: () => WatchedSessions][] = [
  ["sealed", sealedSessions],
  ["stored", () => storedSessions()],
];

export const down: SessionError = new SessionError("store_unavailable", "the store does not answer");

/** Starts servers and ends them after each test; fails a test that left a rejection to nobody. */
export function servers(): (listener: RequestListener) => Promise<string> {
  const running: RunningAdapter[] = [];
  const unhandled: unknown[] = [];
  process.on("unhandledRejection", (error) => unhandled.push(error));
  afterEach(async () => {
    for (const { close } of running.splice(0)) await close();
    expect(unhandled.splice(0)).toEqual([]);
  });
  return async (listener) => {
    const server = await listen(listener);
    running.push(server);
    return server.origin;
  };
}
