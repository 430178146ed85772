import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sessions } from "flagon";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { programsOf } from "./support/programs.ts";

const root = join(import.meta.dirname, "..");

/** What the recipes import and is the reader's own. */
const yours: readonly (readonly [file: string, code: string])[] = [
  [
    "model.ts",
    "export async function* modelSays(_chat: unknown): AsyncGenerator<string> { yield* globalThis.words; }\n",
  ],
  [
    "payments.ts",
    `import type { IncomingHttpHeaders } from "node:http";
export async function createCheckout(order: { reference: string; items: string[] }): Promise<string> {
  await globalThis.told(order);
  return "https://pay.example/";
}
export function readEvent(_headers: IncomingHttpHeaders, body: string): { reference: string } { return JSON.parse(body); }
`,
  ],
  ["mail.ts", "export const sendMail = async (...mail: string[]): Promise<unknown> => globalThis.told(mail);\n"],
  [
    "globals.d.ts",
    "declare global { var words: AsyncIterable<string>; var told: (what: unknown) => unknown; }\nexport {};\n",
  ],
];

interface ExpressApp {
  readonly app: RequestListener;
}

/** Whom the recipes' mails and checkouts are told to. */
const globals = globalThis as { words?: AsyncIterable<string>; told?: (what: unknown) => unknown };

describe("docs/guide.md, sockets, streams, webhooks and jobs", () => {
  const folder = mkdtempSync(join(tmpdir(), "flagon-recipes-"));
  const programs = programsOf("docs/guide.md", "Sockets, streams, webhooks and jobs");
  const servers: Server[] = [];
  let sessions: Sessions<{ draft?: string; cart?: string[]; chat?: object[] }>;

  const load = <Module>(file: string): Promise<Module> => import(join(folder, file));
  const listen = async (server: Server): Promise<string> => {
    servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const serve = (app: RequestListener): Promise<string> => listen(createServer(app));
  const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const post = (url: string, body = "", cookie = ""): Promise<Response> =>
    fetch(url, {
      method: "POST",
      body,
      redirect: "manual",
      headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
    });
  const idOf = async (cookie: string): Promise<string> =>
    (
      await sessions.open({
        method: "GET",
        url: "http://127.0.0.1/",
        header: (name) => (name === "cookie" ? cookie : null),
      })
    ).id;

  beforeAll(async () => {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [file, code] of [...programs, ...yours]) writeFileSync(join(folder, file), code);
    vi.stubEnv("SESSION_SECRET", "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY");
    vi.stubEnv("SESSION_FILE", join(folder, "sessions.db"));
    ({ sessions } = await load<{ sessions: typeof sessions }>("sessions.ts"));
  });

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  test("have the right types", () => {
    const files = [...programs, ...yours].map(([file]) => file);
    expect(files.slice(0, -yours.length)).toEqual(["sessions.ts", "socket.ts", "chat.ts", "shop.ts", "sign-in.ts"]);
    const config = join(folder, "recipes.json");
    writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.base.json"), files }));
    const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--project", config], { encoding: "utf8" });
    expect(stdout).toBe("");
  });

  test("socket.ts keeps what is typed, and closes once the person is signed out", async () => {
    const { app } = await load<ExpressApp>("shop.ts");
    const sockets = await load<{ serve: (app: RequestListener) => Server }>("socket.ts");
    const url = await listen(sockets.serve(app));
    const cookie = cookieOf(await post(`${url}/cart/tea`));
    const id = await idOf(cookie);
    const connect = (headers: object): WebSocket => {
      // A browser sends its cookies itself; Node's has to be told.
      return new WebSocket(`${url.replace("http", "ws")}/socket`, { headers } as never);
    };
    const socket = connect({ cookie });
    await once(socket, "open");
    socket.send("Dear Ann");
    expect((await once(socket, "message"))[0].data).toBe("saved");
    const header = (name: string): string | null => (name === "cookie" ? cookie : null);
    const session = await sessions.open({ method: "GET", url: "http://127.0.0.1/", header });
    expect([session.get("draft"), session.get("cart")]).toEqual(["Dear Ann", ["tea"]]);
    await sessions.revoke(id);
    socket.send("Dear Bob");
    expect((await once(socket, "close"))[0]).toMatchObject({ code: 4401, reason: "signed out" });

    const foreign = connect({ cookie, origin: "https://evil.example" });
    foreign.addEventListener("open", () => expect.fail("another site's handshake was taken"));
    await once(foreign, "close");
  });

  describe("chat.ts", () => {
    const answerIn = async function* (words: string[], between: () => unknown): AsyncGenerator<string> {
      for (const word of words) {
        yield word;
        await between();
      }
    };

    test("stores the question with the head, and the answer when it was streamed", async () => {
      const { app } = await load<{ app: { request: typeof fetch } }>("chat.ts");
      const ask = (cookie: string): Promise<Response> =>
        app.request("http://127.0.0.1/ask", { method: "POST", body: "Why?", headers: { cookie } });
      globals.words = answerIn(["Be", "cause."], () => {});
      const first = await ask("");
      const cookie = cookieOf(first);
      expect(await first.text()).toBe("Because.");
      const chat = async (): Promise<unknown> =>
        (await app.request("http://127.0.0.1/chat", { headers: { cookie } })).json();
      await expect.poll(chat).toEqual([{ id: expect.any(String), question: "Why?", answer: "Because." }]);

      const id = await idOf(cookie);
      globals.words = answerIn(["Be", "cause."], () => sessions.revoke(id));
      expect(await (await ask(cookie)).text()).toBe("Because.");
      expect(await chat()).toEqual([]);
    });
  });

  test("shop.ts: the webhook empties the cart that the provider was told of, and leaves a message", async () => {
    const { app } = await load<ExpressApp>("shop.ts");
    const url = await serve(app);
    const cookie = cookieOf(await post(`${url}/cart/tea`));
    const cart = async (): Promise<unknown> => (await fetch(`${url}/cart`, { headers: { cookie } })).json();
    // The provider calls back before the browser has its answer.
    globals.told = async (order) => {
      const { reference, items } = order as { reference: string; items: string[] };
      expect([reference, items]).toEqual([await idOf(cookie), ["tea"]]);
      expect((await post(`${url}/webhook`, JSON.stringify({ reference }))).status).toBe(204);
    };
    const paid = await post(`${url}/pay`, "", cookie);
    expect([paid.status, paid.headers.get("location")]).toEqual([303, "https://pay.example/"]);
    const messages = [{ message: "Thank you, your order is on its way.", category: "success" }];
    expect(await cart()).toEqual({ cart: [], messages });
    expect((await post(`${url}/webhook`, JSON.stringify({ reference: "unknown" }))).status).toBe(204);
  });

  test("sign-in.ts: who opens the mail before the answer is there signs in; where nothing is stored none is sent", async () => {
    const { app } = await load<ExpressApp>("sign-in.ts");
    const shop = await serve((await load<ExpressApp>("shop.ts")).app);
    const url = await serve(app);
    const before = cookieOf(await post(`${shop}/cart/tea`));
    const open = (path: string, cookie: string): Promise<Response> =>
      fetch(`${url}${path}`, { headers: { cookie }, redirect: "manual" });
    let signedIn = "";
    const mails: unknown[] = [];
    globals.told = async (mail) => {
      mails.push(mail);
      const [path = ""] = /\/sign-in\/[\w-]{22}$/.exec(String((mail as string[])[1])) ?? [];
      expect((await open(`${path.slice(0, -1)}~`, before)).status).toBe(404);
      signedIn = cookieOf(await open(path, before));
    };
    const sent = await post(`${url}/sign-in`, "address=ann@example.com", before);
    expect([sent.status, mails.length]).toEqual([200, 1]);
    const home = async (cookie: string): Promise<string> => (await fetch(url, { headers: { cookie } })).text();
    expect([await home(signedIn), await home(before)]).toEqual(["Hello ann@example.com", "Hello stranger"]);

    // Signed out while the request is on its way.
    const id = await idOf(signedIn);
    const openSession = sessions.open;
    sessions.open = async (request) => {
      const session = await openSession(request);
      await sessions.revoke(id);
      return session;
    };
    try {
      expect((await post(`${url}/sign-in`, "address=ann@example.com", signedIn)).status).toBe(503);
    } finally {
      sessions.open = openSession;
    }
    expect(mails.length).toBe(1);
  });
});
