import type { RequestListener } from "node:http";
import { describe, expect, test, vi } from "vitest";
import { memoryStore } from "../../src/stores/memory.ts";
import { cookieName } from "../../src/testing/adapter/client.ts";
import { appOf, backends, servers, storedSessions } from "./listen.ts";
import { Browser, type Page } from "./next-browser.ts";
import { signIn } from "./session-object.ts";

/** That all that happens in one request of Next works on one session: of the handler's, or of the page's. */
export function testOneSession(handler: () => RequestListener): void {
  describe.each(backends)("one session in each request of next, %s", (_, make) => {
    const start = servers();
    const open = async (): Promise<Browser> => {
      globalThis.flagonApp = appOf(make());
      return new Browser(await start(handler()));
    };
    const run = (browser: Browser, task: string, method: string): Promise<Page> =>
      browser.ask(`/nested?task=${task}`, { method });
    const kept = async (browser: Browser): Promise<object> => JSON.parse((await run(browser, "look", "POST")).text);

    // POST: an action by itself. PUT: the same inside a route handler's session.
    describe.each(["POST", "PUT"])("asked for by %s", (method) => {
      test.each<[what: string, task: string, answer: unknown, data: object]>([
        [
          "nested works on the outer's session, and so does getSession, which leaves the flashes",
          "nested",
          ["Ada", true, true, 1, 1],
          { name: "Ada", inner: true, count: 1 },
        ],
        [
          "nested several times at once loses nothing",
          "parallel",
          [null, null, null],
          { outer: true, a: true, b: true, c: true, count: 3 },
        ],
        ["beside each other loses nothing", "siblings", [null, null, null], { a: true, b: true, c: true, count: 3 }],
        ["nested whose error is caught keeps the rest", "caught", null, { outer: true, failed: true, caught: true }],
      ])("an action %s", async (_what, task, answer, data) => {
        const browser = await open();
        const page = await run(browser, task, method);
        expect([page.status, page.names]).toEqual([200, [cookieName]]);
        expect(JSON.parse(page.text)).toEqual(answer);
        expect(await kept(browser)).toEqual(data);
      });

      test("an action whose nested one throws saves nothing", async () => {
        const browser = await open();
        const page = await run(browser, "thrown", method);
        expect([page.status, page.names, await kept(browser)]).toEqual([500, [], {}]);
      });

      test("a redirect that a nested action throws leaves with what both changed", async () => {
        const browser = await open();
        const page = await run(browser, "redirect", method);
        expect([page.status, page.names]).toEqual([307, [cookieName]]);
        expect(await kept(browser)).toEqual({ outer: true, left: true });
      });

      test("other sessions in between have a cookie of their own, and what they call works on the outer's", async () => {
        const browser = await open();
        const page = await run(browser, "admin", method);
        expect([page.names, JSON.parse(page.text)]).toEqual([
          ["admin", cookieName],
          [1, true],
        ]);
        expect(await kept(browser)).toEqual({ outer: true, inner: true, count: 1 });
      });

      test("those that open two kinds of sessions the other way round wait for nobody who waits for them", async () => {
        const browser = await open();
        const page = await run(browser, "crossed", method);
        expect([page.status, page.names]).toEqual([200, ["admin", cookieName]]);
        expect(await kept(browser)).toEqual({ a: true, b: true, count: 2 });
      });

      test("an action that nobody waited for is told so, and changes nothing", async () => {
        const told = new Promise((resolve) => {
          globalThis.flagonLate = resolve;
        });
        const browser = await open();
        expect((await run(browser, "forgotten", method)).status).toBe(200);
        expect(await told).toMatch(/^TypeError: .*wait for what a handler begins/);
        expect(await kept(browser)).toEqual({ outer: true });
      });
    });

    // What a handler has changed is seen after its response too; an action by itself is over by then.
    test.each([
      ["PUT", /^TypeError: withSession was called after the session was saved.* \/ true$/],
      ["POST", /^TypeError: withSession is for route handlers/],
    ])(
      "an action that is called after the response of a %s is told so, and changes nothing",
      async (method, answer) => {
        const told = new Promise((resolve) => {
          globalThis.flagonLate = resolve;
        });
        const browser = await open();
        expect((await run(browser, "after", method)).status).toBe(200);
        expect(await told).toMatch(answer);
        expect(await kept(browser)).toEqual({ before: true, count: 1 });
      },
    );

    test("a page that answers an action shows what that and the nested one changed, for one commit", async () => {
      const sessions = make();
      globalThis.flagonApp = appOf(sessions);
      const browser = new Browser(await start(handler()));
      const page = await browser.submit("nested", "/acting");
      expect([page.names, page.text, sessions.commits]).toEqual([[cookieName], "count,inner,name", 1]);
      const redirected = await browser.submit("redirect", "/acting");
      expect([redirected.status, sessions.commits]).toEqual([303, 2]);
      expect(await kept(browser)).toEqual({ name: "Ada", inner: true, count: 1, outer: true, left: true });
    });

    test("an action that a page calls while it renders is told that it can't set a cookie", async () => {
      const browser = await open();
      expect((await browser.ask("/acting?task=siblings")).text).toMatch(
        /^TypeError: withSession is for route handlers/,
      );
      expect(await kept(browser)).toEqual({});
    });

    describe("cookies that share a name", () => {
      const visit = async (): Promise<{ browser: Browser; own: string }> => {
        globalThis.flagonApp = appOf(make(), [signIn]);
        const browser = new Browser(await start(handler()));
        await browser.ask("/sign-in");
        return { browser, own: browser.cookie };
      };
      const planted = `${cookieName}=planted`;

      test.each<[where: string, header: (own: string) => string]>([
        ["before", (own) => `${planted}; ${own}`],
        ["after", (own) => `${own}; ${planted}`],
        ["around, with what is no percent-encoding", (own) => `${planted}%; a=%; ${own}; b; ${planted}%`],
      ])("a planted one %s the genuine one hides it from nobody", async (_where, header) => {
        const { browser, own } = await visit();
        browser.cookie = header(own);
        expect((await browser.ask("/components")).html).toContain("part: ann with tea");
        browser.cookie = header(own);
        expect((await browser.ask("/jar?theme=dark", { method: "POST" })).text).toBe('["ann","ann"]');
      });

      test("what a handler sets by Next's own cookies is what it sees from then on", async () => {
        const { browser, own } = await visit();
        browser.cookie = `${planted}; ${own}; ${planted}`;
        const value = own.slice(cookieName.length + 1);
        const answer = await browser.ask(`/jar?a=1&${cookieName}=nobody&${cookieName}=${value}`, { method: "POST" });
        expect(answer.text).toBe('["ann","ann",null,"ann"]');
      });
    });
  });

  describe("next's pages", () => {
    const start = servers();

    test("read the store once, however many components ask", async () => {
      const store = memoryStore();
      const read = vi.spyOn(store, "read");
      globalThis.flagonApp = appOf(storedSessions(store), [signIn]);
      const origin = await start(handler());
      const [ann, bob] = [new Browser(origin), new Browser(origin)];
      await ann.ask("/sign-in");
      read.mockClear();
      const pages = await Promise.all([ann.ask("/components"), bob.ask("/components"), ann.ask("/components")]);
      expect(pages.map(({ html }) => [...html.matchAll(/<(b|header)>\w+: (\w+)/g)].map(([, , user]) => user))).toEqual(
        ["ann", "null", "ann"].map((user) => Array(7).fill(user)),
      );
      expect(read).toHaveBeenCalledTimes(2); // Bob has no cookie to ask about.
    });
  });
}
