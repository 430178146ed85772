import type { Session } from "flagon";
import { flaskCodec } from "flagon/flask";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Config, FlaskPeer } from "./peer.ts";
import { SECRET } from "./support.ts";
import { Visitor } from "./visitor.ts";

type Data = Record<string, unknown>;

const describeFlask = describeWith("flask");
let flask: FlaskPeer;
beforeAll(async () => {
  flask = await FlaskPeer.start();
});
afterAll(async () => {
  await flask[Symbol.asyncDispose]();
});

const OLDER = "older 77aa20f0d1c3";

function visitor(config: Config = { SECRET_KEY: SECRET }, secretKey = SECRET, fallbacks: string[] = []): Visitor {
  return new Visitor(flask, config, { codec: flaskCodec({ secretKey, fallbacks }) });
}

async function tokenOf(browser: Visitor, before: (session: Session<Data>) => unknown = () => {}): Promise<string> {
  let token = "";
  await browser.toTypeScript((session) => {
    before(session);
    token = session.csrfToken();
    expect(session.checkCsrfToken(token)).toBe(true);
  });
  return token;
}

async function accepts(browser: Visitor, token: string): Promise<boolean> {
  let answer = false;
  await browser.toTypeScript((session) => {
    answer = session.checkCsrfToken(token);
  });
  return answer;
}

const beginnings: [string, (browser: Visitor) => Promise<unknown>][] = [
  ["a new visitor", async () => {}],
  ["a visitor of Flask's", (each) => each.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } })],
  ["a visitor whom both know", (each) => each.toTypeScript((session) => session.set("a", 1))],
  ["who signed in on Flask", (each) => each.toFlask({ method: "POST", path: "/login", json: { user: "ada" } })],
  ["who signed in here", (each) => each.toTypeScript((session) => session.login("ada"))],
];

const ends: [string, (session: Session<Data>) => unknown][] = [
  ["login", (session) => session.login("ada")],
  ["another's login", (session) => session.login("bob")],
  ["rotate", (session) => session.rotate()],
  ["logout", (session) => session.logout()],
];

describeFlask("a CSRF token", () => {
  it.each(beginnings)("of %s is good in that session, through what either side writes", async (_, begin) => {
    const [ada, eve] = [visitor(), visitor()];
    for (const each of [ada, eve]) await begin(each);
    const token = await tokenOf(ada);
    expect([await accepts(ada, token), await accepts(eve, token)]).toEqual([true, false]);
    await eve.toTypeScript((session) => session.csrfToken());
    expect(await accepts(eve, token)).toBe(false);
    ada.now += 5;
    await ada.toFlask({ method: "POST", path: "/set", json: { b: "c" } });
    expect(await accepts(ada, token)).toBe(true);
    await ada.toTypeScript((session) => session.set("a", 2));
    expect(await accepts(ada, token)).toBe(true);
    const again = await tokenOf(ada);
    expect([again === token, await accepts(ada, token), await accepts(ada, again)]).toEqual([false, true, true]);
  });

  it.each(beginnings.flatMap(([name, begin]) => ends.map(([end, act]) => [name, end, begin, act] as const)))(
    "of %s is none after a %s",
    async (_, __, begin, act) => {
      const ada = visitor();
      await begin(ada);
      const token = await tokenOf(ada);
      // In the very request, and afterwards.
      await ada.toTypeScript((session) => {
        act(session);
        expect(session.checkCsrfToken(token)).toBe(false);
      });
      expect(await accepts(ada, token)).toBe(false);
      const next = await tokenOf(ada);
      expect([await accepts(ada, token), await accepts(ada, next)]).toEqual([false, true]);
    },
  );

  it.each(ends)("made after a %s in that same request is good", async (_, act) => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.set("a", 1));
    expect(await accepts(ada, await tokenOf(ada, act))).toBe(true);
  });

  it.each(["Flask", "here"])(
    "of a planted cookie is none once the victim signed in, on %s, and none of its copy's",
    async (place) => {
      const [eve, ada] = [visitor(), visitor()];
      const token = await tokenOf(eve);
      ada.cookies.set("session", eve.cookies.get("session") ?? "");
      if (place === "Flask") await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
      else await ada.toTypeScript((session) => session.login("ada"));
      expect(await accepts(ada, token)).toBe(false);
      // Past the moments in which her sign-in is one that comes too late.
      eve.now += 60;
      await eve.toTypeScript((session) => session.login("eve"));
      const later = await tokenOf(eve);
      expect([await accepts(eve, later), await accepts(ada, later)]).toEqual([true, false]);
    },
  );

  it("is made with the secret: what is in the cookie makes none", async () => {
    const config = { SECRET_KEY: OLDER };
    const ada = visitor(config, OLDER);
    const token = await tokenOf(ada);
    const rotated = visitor(config, SECRET, [OLDER]);
    rotated.cookies.set("session", ada.cookies.get("session") ?? "");
    expect(await accepts(rotated, token)).toBe(true);
    expect(await accepts(rotated, await tokenOf(rotated))).toBe(true);
    const cookie = await flask.load(config, ada.cookies.get("session") ?? "", ada.now);
    const another = visitor({ SECRET_KEY: SECRET });
    another.cookies.set(
      "session",
      await flask.dump({ SECRET_KEY: SECRET }, "value" in cookie ? cookie.value : null, 1),
    );
    another.now = 2;
    expect(await accepts(another, token)).toBe(false);
  });
});
