import { afterEach, describe, expect, type MockInstance, test, vi } from "vitest";
import { createSessions } from "../../src/index.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { Client, cookieName, type Data, sessionCookies } from "../../src/testing/adapter/client.ts";
import type { RawReply } from "../../src/testing/adapter/raw-http.ts";
import type { AdapterRoute, RunningAdapter, ServeAdapter } from "../../src/testing.ts";
import { appOf } from "./listen.ts";

/** What the answer says, in JSON, in HTML or plainly. */
function textOf({ body }: RawReply): string {
  const text = body.replaceAll('\\"', '"').replaceAll("&quot;", '"');
  return text.replaceAll("&#39;", "'").replaceAll("&#x27;", "'");
}

/** How every adapter meets a request of another site. */
export function testCrossSite(serve: ServeAdapter): void {
  const running: RunningAdapter[] = [];
  let warn: MockInstance<typeof process.emitWarning> | undefined;
  afterEach(async () => {
    for (const { close } of running.splice(0)) await close();
    warn?.mockRestore();
  });

  describe.each([
    ["sealed", {}],
    ["stored", { store: memoryStore() }],
  ])("a request of another site, %s", (_, options) => {
    const handled: string[] = [];
    const routes = ["/refused", "/exempt", "/exempt/read"].map((path): AdapterRoute => {
      const handle: AdapterRoute["handle"] = (session) => {
        handled.push(path);
        if (path === "/exempt") session.login("mallory");
        return { kind: "text", body: `${session.userId}` };
      };
      return { method: "POST", path, handle };
    });

    /** A POST with a body that no framework takes for a form's, which some of them check by rules of their own. */
    async function post(
      path: string,
      headers: Record<string, string>,
    ): Promise<{ reply: RawReply; warnings: string[] }> {
      handled.length = 0;
      const spy = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
      warn = spy;
      const csrf = { exempt: ({ url }: { url: string }) => new URL(url).pathname.startsWith("/exempt") };
      const sessions = createSessions<Data>({
        secret: "only for the tests of the adapters: Wq8ZrT5nYb2KdM7x",
        cookie: { name: cookieName },
        csrf,
        ...options,
      });
      const server = await serve(appOf(sessions, routes));
      running.push(server);
      const reply = await new Client(server.origin).send({
        method: "POST",
        path,
        headers: { "content-type": "application/json", host: "api.example", ...headers },
        body: "{}",
      });
      // The warning is loaded late.
      if (reply.status === 403) await vi.waitFor(() => expect(spy).toHaveBeenCalled(), 5_000);
      return { reply, warnings: spy.mock.calls.map(([text]) => String(text)) };
    }

    test("is a 403 that names what was seen, what it was compared with and what mends it, in a warning as well", async () => {
      const headers = { origin: "http://localhost:5173", "sec-fetch-site": "cross-site" };
      const { reply, warnings } = await post("/refused", headers);
      expect([reply.status, handled, sessionCookies(reply)]).toEqual([403, [], []]);
      const told = warnings.filter((text) => text.startsWith("cross-site"));
      expect(told).toEqual([
        expect.stringMatching(
          /^cross-site request refused: its Origin is http:\/\/localhost:5173, this server's https?:\/\/api\.example; if the page is yours, pass csrf: \{ trustedOrigins: \["http:\/\/localhost:5173"\] \}$/,
        ),
      ]);
      expect(textOf(reply)).toContain(told[0]);
    });

    test("is never answered with what could be HTML", async () => {
      const { reply } = await post("/refused", { origin: "https://<img src=x onerror=alert(1)>" });
      expect(reply.status).toBe(403);
      expect(reply.body).not.toContain("<img");
      expect(textOf(reply)).toContain("its Origin is https://%3cimg src=x onerror=alert%281%29%3e, this server's");
    });

    test("that is exempt is a 403 that tells the recipe where it would replace the visitor's session", async () => {
      const headers = { origin: "https://id.example", "sec-fetch-site": "cross-site" };
      const { reply, warnings } = await post("/exempt", headers);
      expect([reply.status, handled, sessionCookies(reply)]).toEqual([403, ["/exempt"], []]);
      const told = warnings.filter((text) => text.startsWith("no session begins"));
      expect(told).toEqual([expect.stringContaining("its Origin is https://id.example")]);
      expect(textOf(reply)).toContain(told[0]);
    });

    test("that is exempt and only reads is answered", async () => {
      const { reply } = await post("/exempt/read", { origin: "https://id.example", "sec-fetch-site": "cross-site" });
      expect([reply.status, reply.body, sessionCookies(reply)]).toEqual([200, "null", []]);
    });
  });
}
