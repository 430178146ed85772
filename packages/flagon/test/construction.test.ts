import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { OpenRequest } from "../src/index.ts";
import { SECRET } from "./browser.ts";

/** Workers forbid these while a module loads: where one is called, it throws. */
function forbid(): () => void {
  const no = (what: string) => (): never => {
    throw new Error(`${what} was used`);
  };
  const names = ["randomFillSync", "randomBytes", "randomUUID", "getRandomValues", "randomFill", "randomInt"] as const;
  const before = names.map((name) => [name, Reflect.get(crypto, name)] as const);
  for (const name of names) Reflect.set(crypto, name, no(name));
  syncBuiltinESMExports();
  const spies = [
    vi.spyOn(globalThis.crypto, "getRandomValues").mockImplementation(no("getRandomValues")),
    vi.spyOn(Date, "now").mockImplementation(no("Date.now")),
    vi.spyOn(performance, "now").mockImplementation(no("performance.now")),
    vi.spyOn(globalThis, "setTimeout").mockImplementation(no("setTimeout")),
    vi.spyOn(globalThis, "setInterval").mockImplementation(no("setInterval")),
    vi.spyOn(globalThis, "setImmediate").mockImplementation(no("setImmediate")),
  ];
  return () => {
    for (const [name, value] of before) Reflect.set(crypto, name, value);
    syncBuiltinESMExports();
    for (const spy of spies) spy.mockRestore();
  };
}

describe("loading flagon and createSessions", () => {
  let allow: () => void;
  const request: OpenRequest = { method: "GET", url: "https://shop.example/", header: () => null };

  beforeEach(() => {
    vi.resetModules();
  });
  afterEach(() => allow());

  test("take no random bytes, no timer and no look at the clock, with every option there is", async () => {
    // The runner itself looks at the clock when it loads a module: what is loaded is loaded before, and made after.
    const { createSessions, sealed } = await import("../src/index.ts");
    await import("../src/backends/create-backend.ts");
    allow = forbid();
    const options = {
      secret: [SECRET],
      cookie: { name: "sid" },
      app: "shop",
      csrf: { trustedOrigins: ["https://a.example"] },
    };
    const sessions = createSessions({
      ...options,
      lifetime: { idle: "1h" },
      upgradeFrom: [{ codec: sealed, until: "2099-01-01" }],
    });
    // At the first request they are needed, which shows that they were forbidden.
    expect(() => sessions.open(request)).toThrow(/was used/);
  });

  test("take no random bytes while the modules load", async () => {
    const randomFillSync = crypto.randomFillSync;
    let calls = 0;
    Reflect.set(crypto, "randomFillSync", (...args: Parameters<typeof randomFillSync>) => {
      calls++;
      return randomFillSync(...args);
    });
    syncBuiltinESMExports();
    allow = () => {
      Reflect.set(crypto, "randomFillSync", randomFillSync);
      syncBuiltinESMExports();
    };
    const { createSessions } = await import("../src/index.ts");
    const sessions = createSessions({ secret: SECRET });
    expect(calls).toBe(0);
    const session = await sessions.open(request);
    session.set("a", 1);
    sessions.commit(session);
    expect(calls).toBe(1);
  });
});
