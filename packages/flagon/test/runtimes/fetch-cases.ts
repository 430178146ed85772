import { deepStrictEqual, match, rejects, strictEqual, throws } from "node:assert";
import { createSessions } from "flagon";
import { session } from "flagon/fetch";
import { SECRET } from "../browser.ts";
import type { Case } from "./suite.ts";

const withSession = session<Record<string, unknown>>(createSessions({ secret: SECRET }));
const URL_HERE = "https://shop.example/";

const count = withSession((_request, session) => {
  const visits = session.update("visits", (before) => Number(before ?? 0) + 1);
  return new Response(String(visits));
});

/** The cookie pair of a response's only Set-Cookie line. */
function cookieOf(response: Response): string {
  const lines = response.headers.getSetCookie().filter((line) => line.startsWith("__Host-Http-session="));
  strictEqual(lines.length, 1);
  return (lines[0] ?? "").split(";")[0] ?? "";
}

export const fetchCases: readonly Case[] = [
  {
    name: "fetch: a counter counts",
    run: async () => {
      let cookie = "";
      for (const expected of ["1", "2", "3"]) {
        const response = await count(new Request(URL_HERE, { headers: cookie === "" ? {} : { cookie } }));
        strictEqual(await response.text(), expected);
        match(response.headers.get("cache-control") ?? "", /no-store/);
        cookie = cookieOf(response);
      }
    },
  },
  {
    name: "fetch: a response that nobody may change, such as a redirect, gets its cookie all the same",
    run: async () => {
      const signIn = withSession((_request, session) => {
        session.login("ada");
        return Response.redirect("https://shop.example/home", 303);
      });
      const response = await signIn(new Request(URL_HERE));
      deepStrictEqual([response.status, response.headers.get("location")], [303, "https://shop.example/home"]);
      const who = withSession((_request, session) => new Response(session.userId));
      strictEqual(await (await who(new Request(URL_HERE, { headers: { cookie: cookieOf(response) } }))).text(), "ada");
    },
  },
  {
    name: "fetch: a stream flows on behind its head",
    run: async () => {
      const stream = withSession((_request, session) => {
        session.set("a", 1);
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
        const writer = writable.getWriter();
        const text = new TextEncoder();
        void writer
          .write(text.encode("one "))
          .then(() => writer.write(text.encode("two")))
          .then(() => writer.close());
        return new Response(readable);
      });
      const response = await stream(new Request(URL_HERE));
      cookieOf(response);
      strictEqual(await response.text(), "one two");
    },
  },
  {
    name: "fetch: a stream reads a session that nobody had looked at, and can't change it",
    run: async () => {
      const stream = withSession((_request, session) => {
        const read = async (): Promise<string> => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          throws(() => session.set("a", 1), /changed after the response had started/);
          return String(session.get("visits"));
        };
        const body = new ReadableStream<Uint8Array>({
          pull: async (controller) => {
            controller.enqueue(new TextEncoder().encode(await read()));
            controller.close();
          },
        });
        return new Response(body, { headers: { "cache-control": "public, max-age=60" } });
      });
      const cookie = cookieOf(await count(new Request(URL_HERE)));
      const response = await stream(new Request(`${URL_HERE}stream`, { headers: { cookie } }));
      deepStrictEqual([response.headers.getSetCookie(), response.headers.get("vary")], [[], null]);
      strictEqual(await response.text(), "1");
    },
  },
  {
    name: "fetch: what is put on a session throws, and nobody writes on what sessions share",
    run: async () => {
      const put = withSession((_request, session) => {
        throws(() => Reflect.set(session, "cart", []), /use session\.set\("cart", …\)/);
        throws(() => Reflect.set(session, "flash", {}), /session\.flash can't be assigned/);
        throws(() => Reflect.set(session.flash, "info", []), /info would be lost/);
        throws(() => Object.assign(Object.getPrototypeOf(session), { info: [] }), /info would be lost/);
        throws(() => Object.defineProperty(session, "cart", { value: [] }), TypeError);
        throws(() => Reflect.apply(session.destroy, session, [() => {}]), /takes no callback/);
        return new Response(JSON.stringify(session));
      });
      strictEqual(await (await put(new Request(URL_HERE))).text(), "{}");
    },
  },
  {
    name: "fetch: the app's own cookies stay, and Vary is merged",
    run: async () => {
      const app = withSession((_request, session) => {
        session.set("a", 1);
        const headers = new Headers({ vary: "Accept" });
        headers.append("set-cookie", "theme=dark");
        headers.append("set-cookie", "lang=en");
        return new Response("", { headers });
      });
      const response = await app(new Request(URL_HERE));
      deepStrictEqual(response.headers.getSetCookie().slice(0, 2), ["theme=dark", "lang=en"]);
      cookieOf(response);
      match(response.headers.get("vary") ?? "", /Accept.*Cookie/i);
    },
  },
  {
    name: "fetch: a session that nobody looks at changes no header",
    run: async () => {
      const response = await withSession(() => new Response("hello"))(new Request(URL_HERE));
      deepStrictEqual(
        [response.headers.getSetCookie(), response.headers.get("vary"), response.headers.get("cache-control")],
        [[], null, null],
      );
    },
  },
  {
    name: "fetch: a request that another site made the browser send is refused before the handler",
    run: async () => {
      let ran = false;
      const handler = withSession(() => {
        ran = true;
        return new Response("");
      });
      const headers = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
      const response = await handler(new Request(URL_HERE, { method: "POST", headers }));
      deepStrictEqual([response.status, ran], [403, false]);
    },
  },
  {
    name: "fetch: an app's own scheme can be trusted, and an entry that no browser sends is told what it should be",
    run: async () => {
      for (const origin of ["capacitor://localhost", "chrome-extension://abc", "https://app.example", "file://"]) {
        const trusting = session({ secret: SECRET, csrf: { trustedOrigins: [origin] } });
        const headers = { "sec-fetch-site": "cross-site", origin };
        const response = await trusting(() => new Response())(new Request(URL_HERE, { method: "POST", headers }));
        strictEqual(response.status, 200);
        const wrong = [`${origin}/`];
        throws(() => session({ secret: SECRET, csrf: { trustedOrigins: wrong } }), new RegExp(`pass "${origin}"$`));
      }
    },
  },
  {
    name: "fetch: a session begins in no form post of another site, which would replace the visitor's",
    run: async () => {
      const exempting = session({ secret: SECRET, csrf: { exempt: () => true } });
      const handler = exempting((_request, session) => {
        session.login("mallory");
        return new Response();
      });
      const headers = { "sec-fetch-site": "cross-site", origin: "https://id.example" };
      const response = await handler(new Request(URL_HERE, { method: "POST", headers }));
      deepStrictEqual([response.status, response.headers.getSetCookie()], [403, []]);
      match(
        await response.text(),
        /^no session begins in a request of another site \(its Origin is https:\/\/id\.example\)/,
      );
    },
  },
  {
    name: "fetch: a session that does not fit is a 500 that says nothing",
    run: async () => {
      const handler = withSession((_request, session) => {
        session.set("cart", "x".repeat(5_000));
        return new Response("secret page");
      });
      const response = await handler(new Request(URL_HERE));
      deepStrictEqual([response.status, await response.text()], [500, "the session is not available"]);
    },
  },
  {
    name: "fetch: what the runtime passes besides the request is passed on, and what the handler throws is thrown",
    run: async () => {
      const handler = withSession((_request, _session, env: { name: string }) => new Response(env.name));
      strictEqual(await (await handler(new Request(URL_HERE), { name: "production" })).text(), "production");
      const failing = withSession(() => {
        throw new RangeError("mine");
      });
      await rejects(failing(new Request(URL_HERE)), RangeError);
    },
  },
];
