import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Failure } from "./apps/failing-options.ts";

const app = join(import.meta.dirname, "apps/failing-options.ts");
const adapters = ["node", "node, an async handler", "express", "fastify", "koa", "hono", "h3", "nest"];
const ways = (option: string) => ["throws", asynchronous.has(option) ? "rejects" : "throws a text"];
/** The others have to answer at once. */
const asynchronous = new Set(["store", "revocations"]);

/** What a browser may come with; `good` is the cookie of one who is signed in. */
const requests = {
  stranger: () => ({ path: "/" }),
  "stranger who asks for a token": () => ({ path: "/token" }),
  garbage: () => ({ path: "/", cookie: `visitor=${"A".repeat(50)}` }),
  "garbage of the store's kind": () => ({ path: "/", cookie: `visitor=AgAA${"A".repeat(56)}` }),
  returning: (good: string) => ({ path: "/", cookie: good }),
  "returning and asking for a token": (good: string) => ({ path: "/token", cookie: good }),
  "signing in": (good: string) => ({ path: "/sign-in", method: "POST", cookie: good }),
  "from another site": (good: string) => ({ path: "/", method: "POST", cookie: good, site: "cross-site" }),
} as const;
type RequestName = keyof typeof requests;

/** The requests that an option's failure has to be the answer to, in any mode. */
const returning: readonly RequestName[] = ["returning", "signing in"];
const options: readonly (readonly [option: string, fails: readonly RequestName[]])[] = [
  ["secret", ["stranger", "stranger who asks for a token", ...returning]],
  ["secret with a store", ["stranger", ...returning]],
  ["secret with revocations", ["stranger", ...returning]],
  ["schema", ["stranger", "garbage", ...returning]],
  ["now", ["stranger", ...returning]],
  ["codec", ["stranger", ...returning]],
  ["csrf.exempt", ["from another site"]],
  ["store", ["stranger", ...returning]],
  ["revocations", returning],
];

describe.each(adapters)("on %s", (adapter) => {
  let running: Promise<App> | undefined;
  afterAll(async () => (await running)?.stop());

  describe.each(options)("%s", (option, fails) => {
    test.each(ways(option))(
      "%s: requests are answered with 5xx, the process lives, and what comes next works",
      async (how) => {
        if ((await running)?.hasEnded ?? true) running = start(adapter);
        const app = (await running) as App;
        const send = (name: RequestName, good = "") => app.send(option, requests[name](good));
        const ofStranger = Object.keys(requests).filter((name) => name !== "returning") as RequestName[];

        // The first requests that the process sees, then those of somebody with a good cookie.
        await app.tell({ option, how });
        for (const name of ofStranger) await statusOf(send(name), fails.includes(name) && !returning.includes(name));
        await app.tell({ option: null, how });
        const { status, cookie } = await app.send(option, { path: "/sign-in", method: "POST" });
        expect(status).toBe(200);
        await app.tell({ option, how });
        for (const name of Object.keys(requests) as RequestName[]) {
          // A sign-in that nothing hinders ends the cookie, which is needed once more.
          if (name === "signing in" && !fails.includes(name)) continue;
          await statusOf(send(name, cookie), fails.includes(name));
        }
        await app.tell({ option: null, how });
        const next = await send("returning", cookie);
        expect([next.status, next.body]).toEqual([200, "2"]);
        expect(app.hasEnded).toBe(false);

        async function statusOf(sent: Promise<{ status: number }>, mustFail: boolean): Promise<void> {
          const { status } = await sent.catch((error: Error) => ({ status: `no answer: ${error.cause ?? error}` }));
          expect(status).toSatisfy((status) => status >= (mustFail ? 500 : 200) && status < 600);
        }
      },
    );
  });
});

interface App {
  readonly hasEnded: boolean;
  tell(failure: Failure): Promise<void>;
  send(option: string, request: Sent): Promise<{ status: number; body: string; cookie: string }>;
  stop(): Promise<void>;
}

interface Sent {
  readonly path: string;
  readonly method?: string;
  readonly cookie?: string;
  readonly site?: string;
}

/** A process of its own: what nobody catches ends it, as it would end an app. */
async function start(adapter: string): Promise<App> {
  const execArgv = ["--conditions=flagon-source"];
  const child: ChildProcess = fork(app, [adapter], {
    execArgv,
    env: { ...process.env, NODE_ENV: "test", NODE_OPTIONS: "" },
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const [origins] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [Record<string, string>];
  return {
    get hasEnded() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    async tell(failure) {
      const told = once(child, "message");
      child.send(failure);
      await told;
    },
    async send(option, { path, method = "GET", cookie = "", site = "same-origin" }) {
      const headers = { cookie, "sec-fetch-site": site, connection: "close" };
      const response = await fetch(`${origins[option]}${path}`, { method, headers });
      const [line = ""] = response.headers.getSetCookie();
      return { status: response.status, body: await response.text(), cookie: line.split(";")[0] ?? "" };
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}
