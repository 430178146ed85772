import { SessionError } from "../../errors.ts";
import { holds, same } from "../check.ts";
import { type Client, cookieName, type SwitchableStore, sessionCookies, type WatchedSessions } from "./client.ts";
import { largeChunks } from "./handlers.ts";
import { headerOf, RawConnection, type RawReply, valuesOf } from "./raw-http.ts";
import type { TourContext } from "./tour.ts";

/** What one case runs in. */
export interface CaseContext extends TourContext {
  readonly sessions: WatchedSessions;
  readonly store: SwitchableStore;
  /** Whether what a handler changes before it throws is saved. */
  readonly answersErrors: boolean;
  visitor(): Client;
}

export type Check = (world: CaseContext) => Promise<void>;

export const everyBackend: Record<string, Check> = {
  "a visitor who stores nothing gets no cookie and no other header": async ({ visitor }) => {
    const reply = await visitor().get("/plain");
    same([reply.status, reply.body], [200, "plain"], "the response");
    same(sessionCookies(reply), [], "session cookies");
    same(headerOf(reply, "cache-control"), "public, max-age=60", "Cache-Control");
    holds(!namesIn(reply, "vary").includes("cookie"), "Vary names the cookie although nobody looked at the session");
  },
  "a look sets no cookie, is merged into Vary and keeps shared caches out": async ({ visitor }) => {
    const reply = await visitor().get("/look/public");
    same([reply.status, reply.body], [200, "saw nothing"], "the response");
    same(sessionCookies(reply), [], "session cookies");
    same(valuesOf(reply, "cache-control"), ["private, no-cache"], "Cache-Control");
    const vary = namesIn(reply, "vary");
    holds(vary.includes("cookie") && vary.includes("accept-encoding"), `Vary is ${vary}, without the app's or ours`);
  },
  "a stricter Cache-Control of the app stays": async ({ visitor }) => {
    same(valuesOf(await visitor().get("/look/private"), "cache-control"), ["private, max-age=5"], "Cache-Control");
  },
  "what one request stores the next one reads": async ({ visitor }) => {
    const someone = visitor();
    const first = await someone.get("/count");
    same([first.body, sessionCookies(first).length], ["counted 1", 1], "the first visit and its cookies");
    same(valuesOf(first, "cache-control"), ["private, no-store"], "Cache-Control beside a cookie");
    same((await someone.get("/count")).body, "counted 2", "the second visit");
    same((await visitor().get("/count")).body, "counted 1", "somebody else's first visit");
  },
  "a change after the handler has waited is kept": async ({ visitor }) => {
    const someone = visitor();
    await someone.get("/count/later");
    same((await someone.get("/look")).body, "saw 1", "the next visit");
  },
  "there is one commit for each request, whatever the response": async ({ visitor, sessions }) => {
    for (const path of ["/plain", "/look", "/count", "/redirect", "/stream", "/not-modified", "/no-content", "/gone"]) {
      for (const method of ["GET", "HEAD"]) {
        sessions.commits = 0;
        await visitor().get(path, { method });
        same(sessions.commits, 1, `commits of ${method} ${path}`);
      }
    }
    sessions.commits = 0;
    const lost = await visitor().get("/nowhere");
    holds(lost.status === 404 && sessions.commits <= 1, `${sessions.commits} commits of a 404 (${lost.status})`);
    same(sessionCookies(lost), [], "session cookies of a 404");
  },
  "the cookie is in the head of every kind of response": async ({ visitor }) => {
    const expected = {
      "/redirect": "",
      "/stream": "one two three 1",
      "/not-modified": "",
      "/no-content": "",
      "/gone": "gone 1",
    };
    for (const [path, body] of Object.entries(expected)) {
      const someone = visitor();
      const reply = await someone.get(path);
      same(
        [sessionCookies(reply).length, reply.isWhole],
        [1, true],
        `cookies of ${path}, and whether it arrived whole`,
      );
      if (path !== "/redirect") same(reply.body, body, `the body of ${path}`);
      same((await someone.get("/look")).body, "saw 1", `the visit after ${path}`);
    }
  },
  "HEAD gets the cookie and no body": async ({ origin, visitor }) => {
    const someone = visitor();
    const connection = await RawConnection.open(origin);
    connection.send({ method: "HEAD", path: "/count", headers: { connection: "close" } });
    const reply = await connection.reply("HEAD");
    await connection.ended();
    same([reply.status, sessionCookies(reply).length, connection.pending], [200, 1, ""], "the response to HEAD");
    someone.keep(reply);
    same((await someone.get("/look")).body, "saw 1", "the next visit");
  },
  "the app's own cookies stay beside the session's": async ({ visitor }) => {
    const lines = valuesOf(await visitor().get("/cookies"), "set-cookie").map((line) => line.split("=")[0]);
    same(lines.sort(), [cookieName, "first", "second"], "the names in Set-Cookie lines");
  },
  "a body of a megabyte arrives whole and in order": async ({ visitor }) => {
    const reply = await visitor().get("/large");
    holds(reply.isWhole && reply.body === largeChunks.join(""), "the body is not what was sent");
  },
  "a change after the response has started throws": async ({ visitor, recorder }) => {
    const someone = visitor();
    same((await someone.get("/late")).body, "begun, ended", "the body");
    holds(recorder.lateError instanceof TypeError, `a TypeError was to be thrown, and it was ${recorder.lateError}`);
    same((await someone.get("/look")).body, "saw 1", "the next visit");
  },
  "nothing of a response leaves before the session is saved": async ({ origin, sessions, visitor }) => {
    for (const path of ["/redirect", "/stream", "/count", "/no-content"]) {
      const { reached, open } = sessions.holdUp();
      const connection = await RawConnection.open(origin);
      connection.send({ path, headers: { connection: "close" } });
      await firstOf(reached, connection, `${path} was answered without a commit`);
      await visitor().get("/plain"); // another whole exchange: time enough for a byte to arrive
      same(connection.pending, "", `what came of ${path} before the save`);
      open();
      const reply = await connection.reply();
      same(
        [sessionCookies(reply).length, reply.isWhole],
        [1, true],
        `cookies of ${path}, and whether it arrived whole`,
      );
      same(reply.status >= 300, path === "/redirect", `a redirect (${reply.status})`);
    }
  },
  "a session that can't be saved is the framework's own error": async ({ visitor, sessions }) => {
    for (const path of ["/count", "/redirect", "/stream", "/no-content", "/gone", "/cookies", "/not-modified"]) {
      sessions.commits = 0;
      sessions.failWith(new SessionError("store_unavailable", "the store does not answer"));
      const reply = await visitor().get(path);
      same([reply.status, headerOf(reply, "retry-after")], [503, "5"], `status and Retry-After of ${path}`);
      same([sessionCookies(reply), headerOf(reply, "location")], [[], null], `cookie and Location of ${path}`);
      holds(
        reply.isWhole && !/counted|gone|one two|cookies/.test(reply.body),
        `${path} sent some of its body: ${reply.body}`,
      );
      same(sessions.commits, 1, `commits of ${path}`);
      sessions.failWith(null);
      same((await visitor().get("/count")).body, "counted 1", `the visit after ${path}`);
    }
  },
  "a save that fails after it made a new cookie is answered with that cookie": async ({ visitor, sessions }) => {
    const someone = visitor();
    await someone.get("/count");
    const headers = { "set-cookie": `${cookieName}=new; Path=/; HttpOnly`, "cache-control": "no-store" };
    for (const path of ["/count", "/redirect"]) {
      sessions.failWith(new SessionError("store_unavailable", "the store does not answer", { headers }));
      const reply = await someone.get(path);
      sessions.failWith(null);
      same([reply.status, headerOf(reply, "retry-after")], [503, "5"], `status and Retry-After of ${path}`);
      same(sessionCookies(reply), [headers["set-cookie"]], `session cookies of ${path}`);
      holds(namesIn(reply, "cache-control").includes("no-store"), `the answer of ${path} may be stored by a cache`);
    }
  },

  "an unforeseen failure of the save is a 500": async ({ visitor, sessions }) => {
    sessions.failWith(new Error("unforeseen"));
    const reply = await visitor().get("/redirect");
    same([reply.status, sessionCookies(reply), headerOf(reply, "location")], [500, [], null], "the response");
  },
  "a request from another site is refused before the handler": async ({ visitor, recorder }) => {
    const someone = visitor();
    await someone.get("/count");
    const post = (headers: Record<string, string>): Promise<RawReply> =>
      someone.send({
        method: "POST",
        path: "/post",
        headers: { "content-type": "application/json", ...headers },
        body: "{}",
      });
    const refused = await post({ "sec-fetch-site": "cross-site", origin: "https://elsewhere.example" });
    same(
      [refused.status, sessionCookies(refused), recorder.posts],
      [403, [], 0],
      "the answer, its cookies, handlers run",
    );
    same((await post({ origin: "https://elsewhere.example" })).status, 403, "the answer by Origin alone");
    same((await post({ "sec-fetch-site": "same-origin" })).body, "posted 2 1", "a request from the same site");
    same((await post({})).body, "posted 3 2", "a request from no browser");
  },
  "requests at the same time never share a session": async ({ visitor }) => {
    const visits = Array.from({ length: 20 }, async () => {
      const someone = visitor();
      for (const path of ["/count", "/stream", "/count/later"]) await someone.get(path);
      return (await someone.get("/look")).body;
    });
    same(new Set(await Promise.all(visits)).size, 1, "how many different counts there are");
    same(await visits[0], "saw 3", "each visitor's count");
  },
  "requests on one connection each have their own session": async ({ origin, visitor }) => {
    const known = visitor();
    await known.get("/count");
    const connection = await RawConnection.open(origin);
    connection.send({ path: "/count", headers: known.headers });
    connection.send({ path: "/count" });
    connection.send({ path: "/look", headers: { connection: "close" } });
    const replies = [await connection.reply(), await connection.reply(), await connection.reply()];
    const bodies = replies.map((reply) => reply.body);
    const cookies = replies.slice(1).map((reply) => sessionCookies(reply).length);
    same(
      [bodies, cookies],
      [
        ["counted 2", "counted 1", "saw nothing"],
        [1, 0],
      ],
      "bodies, and cookies of the last two",
    );
  },
  "a client that goes away harms nobody": async ({ origin, sessions, visitor, recorder }) => {
    const connection = await RawConnection.open(origin);
    connection.send({ path: "/slow" });
    await firstOf(recorder.slowBegun, connection, "the request was answered before its handler ran");
    connection.destroy();
    same((await visitor().get("/count")).body, "counted 1", "a visit meanwhile");
    recorder.finishSlow();
    same((await visitor().get("/count")).body, "counted 1", "a visit afterwards");
    holds(sessions.commits <= 3, `${sessions.commits} commits of three requests`);
  },
};

export const whereErrorsAreAnswered: Record<string, Check> = {
  "a handler that throws gets the framework's error page, with one commit and the cookie": async ({
    visitor,
    sessions,
  }) => {
    const someone = visitor();
    const reply = await someone.get("/throw");
    same([reply.status, sessions.commits, sessionCookies(reply).length], [500, 1, 1], "status, commits and cookies");
    same((await someone.get("/look")).body, "saw 1", "the next visit");
  },
  "an error page that can't be saved either is still an answer": async ({ visitor, sessions }) => {
    sessions.failWith(new SessionError("store_unavailable", "the store does not answer"));
    const reply = await visitor().get("/throw");
    holds(reply.status >= 500 && reply.isWhole, `the status is ${reply.status}`);
    same(sessionCookies(reply), [], "session cookies");
    sessions.failWith(null);
    same((await visitor().get("/count")).body, "counted 1", "the next visit");
  },
};

export const storeOnly: Record<string, Check> = {
  "a store that is down fails who looks and nobody else": async ({ store, visitor }) => {
    const someone = visitor();
    await someone.get("/count");
    store.isDown = true;
    same((await someone.get("/plain")).status, 200, "a page that does not look");
    for (const path of ["/look", "/count", "/redirect", "/stream"]) {
      const reply = await someone.get(path);
      same([reply.status, headerOf(reply, "retry-after")], [503, "5"], `status and Retry-After of ${path}`);
      same(sessionCookies(reply), [], `session cookies of ${path}`);
    }
    store.isDown = false;
    same((await someone.get("/count")).body, "counted 2", "the visit when the store is back");
  },
};

function namesIn(reply: RawReply, header: string): string[] {
  return (headerOf(reply, header) ?? "").toLowerCase().split(/\s*,\s*/);
}

/** Waits for what has to come before any answer on the connection does. */
async function firstOf(event: Promise<void>, connection: RawConnection, otherwise: string): Promise<void> {
  const answered = connection.until("\r\n\r\n").then(() => true);
  holds((await Promise.race([event, answered])) !== true, otherwise);
  answered.catch(() => {});
}
