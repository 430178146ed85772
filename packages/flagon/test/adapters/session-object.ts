import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Session } from "../../src/session.ts";
import { Client, type Data, sessionCookies } from "../../src/testing/adapter/client.ts";
import { headerOf } from "../../src/testing/adapter/raw-http.ts";
import type { AdapterReply, AdapterRoute, RunningAdapter, ServeAdapter } from "../../src/testing.ts";
import { appOf, backends } from "./listen.ts";

/** Runs as most of npm's older packages do: what a frozen object refuses is no error there. */
export function sloppy(code: string, values: object): unknown {
  return new Function(...Object.keys(values), code)(...Object.values(values));
}

const text = (body: string): AdapterReply => ({ kind: "text", body });

/** Nobody looks at the session before the head has left; what is read then is part of the body. */
async function* readLate(session: Session<Data>): AsyncGenerator<string> {
  yield "begun, ";
  await sleep(20);
  yield `${session.userId} with ${session.get("cart")}`;
}

/** The route that begins each visitor's session. */
export const signIn: AdapterRoute = {
  method: "GET",
  path: "/sign-in",
  handle: (session) => {
    session.set("cart", "tea").login("ann");
    return text("signed in");
  },
};

const handlers: [path: string, handle: AdapterRoute["handle"]][] = [
  ["/late", (session) => ({ kind: "stream", chunks: readLate(session) })],
  ["/put", (session) => text(String(sloppy("session.cart = ['coffee']", { session })))],
  ["/flash", (session) => text(String(sloppy("(session.flash = session.flash || {}).info = 'for Ann'", { session })))],
  ["/callback", (session) => text(String(sloppy("session.destroy(() => {})", { session })))],
  ["/cart", (session) => text(`${session.userId} with ${session.get("cart")}`)],
];
const routes: AdapterRoute[] = [
  signIn,
  ...handlers.map(([path, handle]): AdapterRoute => ({ method: "GET", path, handle })),
];

/** What every adapter's session does, whatever plug-ins do to it and whenever it is looked at. */
export function testSessionObject(serve: ServeAdapter): void {
  const running: RunningAdapter[] = [];
  afterEach(async () => {
    for (const { close } of running.splice(0)) await close();
  });

  describe.each(backends)("the session object, %s", (_, make) => {
    const signedIn = async (): Promise<{ ann: Client; bob: Client }> => {
      const server = await serve(appOf(make(), routes));
      running.push(server);
      const ann = new Client(server.origin);
      await ann.get("/sign-in");
      return { ann, bob: new Client(server.origin) };
    };

    test("a body that is streamed reads the session of its visitor, first look included, and no header is for it", async () => {
      const { ann, bob } = await signedIn();
      const replies = await Promise.all([ann.get("/late"), bob.get("/late"), ann.get("/late")]);
      expect(replies.map(({ body }) => body)).toEqual([
        "begun, ann with tea",
        "begun, null with undefined",
        "begun, ann with tea",
      ]);
      for (const reply of replies) {
        expect([reply.status, sessionCookies(reply), headerOf(reply, "cache-control") ?? ""]).toEqual([
          200,
          [],
          expect.not.stringContaining("private"),
        ]);
      }
    });

    test("what is put on it, and a callback that it would never call, is the framework's own error", async () => {
      const { ann, bob } = await signedIn();
      for (const path of ["/put", "/flash", "/callback"]) {
        for (const visitor of [ann, bob]) expect([path, (await visitor.get(path)).status]).toEqual([path, 500]);
      }
      expect((await ann.get("/cart")).body).toBe("ann with tea");
      expect((await bob.get("/cart")).body).toBe("null with undefined");
    });
  });
}

/** What stands where the session stood, put there without a word: cookie-session's way to sign out, and other libraries. */
export const replacements: [what: string, value: unknown][] = [
  ["null", null],
  ["undefined", undefined],
  ["another library's", { cookie: {}, save: () => {} }],
];

/** A visitor whose session is replaced gets the framework's error page, and keeps what the browser has. */
export async function replacedSession(origin: string, errors: () => unknown): Promise<void> {
  const ann = new Client(origin);
  await ann.get("/sign-in");
  const { cookie } = ann;
  for (const path of ["/replace", "/change-and-replace"]) {
    const reply = await ann.get(path);
    expect([path, reply.status, sessionCookies(reply)]).toEqual([path, 500, []]);
    expect(String(errors())).toMatch(
      /session.* was replaced, and would be lost: use session\.logout\(\) or session\.destroy\(\)/,
    );
  }
  expect(ann.cookie).toBe(cookie);
  expect((await ann.get("/cart")).body).toBe("ann with tea");
}
