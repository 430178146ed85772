import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { startChromium } from "../../../../test/support/services/index.ts";
import { session } from "../../src/adapters/node.ts";
import { certificate } from "../adapters/certificate.ts";
import { SECRET } from "../browser.ts";

describeWith("chromium")("in Chromium, over https, a script that got into a page", () => {
  const servers: Server[] = [];
  let browser: Browser;

  beforeAll(async () => {
    browser = await startChromium();
  });

  afterAll(async () => {
    await browser?.close();
    for (const server of servers) server.close().closeAllConnections();
  });

  /** An app that says who is signed in; `/sign-in` is Mallory's. */
  async function serve(name?: string): Promise<string> {
    const listener = session({ secret: SECRET, cookie: name === undefined ? {} : { name } }, (request, response) => {
      if (request.url === "/sign-in") request.session.login("mallory");
      response.setHeader("content-type", "text/html").end(`<p>${request.session.userId ?? "nobody"}</p>`);
    });
    const server = createServer(certificate, listener as Parameters<typeof createServer>[1]).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Who the victim is once the script has tried to make them Mallory. */
  async function afterPlanting(origin: string): Promise<string | null> {
    const [own, victims] = await Promise.all([1, 2].map(() => browser.newContext({ ignoreHTTPSErrors: true })));
    if (own === undefined || victims === undefined) throw new Error("no contexts");
    await (await own.newPage()).goto(`${origin}/sign-in`);
    const [cookie] = await own.cookies();
    const page = await victims.newPage();
    await page.goto(origin);
    expect(await page.textContent("p")).toBe("nobody");
    await page.evaluate(
      async ([name = "", value = ""]) => {
        // biome-ignore lint/suspicious/noDocumentCookie: it is what the attack is.
        document.cookie = `${name}=${value}; Path=/; Secure`;
        await Reflect.get(window, "cookieStore")
          .set({ name, value, path: "/" })
          .catch(() => {});
      },
      [cookie?.name, cookie?.value],
    );
    await page.goto(origin);
    const who = await page.textContent("p");
    await Promise.all([own.close(), victims.close()]);
    return who;
  }

  test("can plant no session: browsers take __Host-Http-session from servers alone", async () => {
    expect(await afterPlanting(await serve())).toBe("nobody");
  });

  test("can plant none named __Http- either", async () => {
    expect(await afterPlanting(await serve("__Http-session"))).toBe("nobody");
  });

  test.each(["__Host-session", "__Secure-session", "session"])("could plant %s", async (name) => {
    expect(await afterPlanting(await serve(name))).toBe("mallory");
  });
});
