import { flaskCodec } from "flagon/flask";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import { type Config, FlaskPeer } from "./peer.ts";
import { SECRET } from "./support.ts";
import { Visitor } from "./visitor.ts";

const describeFlask = describeWith("flask");
let flask: FlaskPeer;
beforeAll(async () => {
  flask = await FlaskPeer.start();
});
afterAll(async () => {
  await flask[Symbol.asyncDispose]();
});

const plain: Config = { SECRET_KEY: SECRET };

/** Signed in on Flask with "remember me", the browser then closed. */
async function remembered(
  config: Config = plain,
  options: Partial<Parameters<typeof flaskCodec>[0]> = {},
): Promise<Visitor> {
  const ada = new Visitor(flask, config, { codec: flaskCodec({ secretKey: SECRET, ...options }) });
  await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada", remember: true } });
  expect([...ada.cookies.keys()].sort()).toEqual(["remember_token", "session"]);
  ada.cookies.delete("session");
  return ada;
}

describeFlask("a visitor whom Flask-Login remembers", () => {
  it("is signed in here, not fresh, and Flask sees the same session", async () => {
    const ada = await remembered();
    const lines = await ada.toTypeScript((session) => {
      expect([session.userId, session.isFresh("1d"), session.isNew]).toEqual(["ada", false, false]);
    });
    expect(lines).toEqual([expect.stringMatching(/^session=/)]);
    ada.cookies.delete("remember_token");
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: false });
    await ada.toTypeScript((session) => expect(session.userId).toBe("ada"));
  });

  it("is signed in here although a session without a user came along", async () => {
    const ada = await remembered();
    const bob = new Visitor(flask, plain, { codec: flaskCodec({ secretKey: SECRET }) });
    await bob.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
    ada.cookies.set("session", bob.cookies.get("session") ?? "");
    const lines = await ada.toTypeScript((session) =>
      expect([session.userId, session.get("cart")]).toEqual(["ada", ["tea"]]),
    );
    expect(lines).toHaveLength(1);
    ada.cookies.delete("remember_token");
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: false });
  });

  it("gets no cookie on a page that does not look at the session", async () => {
    const ada = await remembered();
    expect(await ada.toTypeScript(() => {})).toEqual([]);
  });

  it("is forgotten by signing out here", async () => {
    const ada = await remembered();
    const lines = await ada.toTypeScript((session) => session.logout());
    expect(lines).toContainEqual("remember_token=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax");
    expect([...ada.cookies.keys()]).not.toContain("remember_token");
    expect(await ada.flaskSession()).toMatchObject({ user: null });
    await ada.toTypeScript((session) => expect(session.userId).toBeNull());
  });

  it("stays signed out when a slow request was under way at logout", async () => {
    const ada = await remembered();
    await ada.toTypeScript((session) => void session.userId);
    const slow = new Map(ada.cookies);
    await ada.toTypeScript((session) => session.logout());
    expect([...ada.cookies.keys()]).toEqual([]);
    for (const [name, value] of slow) ada.cookies.set(name, value);
    const lines = await ada.toTypeScript((session) => {
      expect(session.userId).toBeNull();
      session.set("late", true);
    });
    expect(lines).toEqual([]);
  });

  it("can come back: the token is the same in all browsers, and signing out in one ends it in that one only", async () => {
    const ada = await remembered();
    const { sessions } = ada;
    await ada.toTypeScript((session) => session.logout());
    const elsewhere = await remembered();
    Object.assign(elsewhere, { sessions });
    await elsewhere.toTypeScript((session) => expect(session.userId).toBe("ada"));
  });

  it("is replaced by who signs in here, also in the next browser session", async () => {
    const ada = await remembered();
    const lines = await ada.toTypeScript((session) => session.login("bob"));
    expect(lines).toContainEqual(expect.stringMatching(/^remember_token=; Max-Age=0/));
    ada.cookies.delete("session");
    await ada.toTypeScript((session) => expect(session.userId).toBeNull());
  });

  it("stays remembered when the same user signs in again", async () => {
    const ada = await remembered();
    const lines = await ada.toTypeScript((session) => session.login("ada"));
    expect(lines).toHaveLength(1);
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: true });
  });

  it("stays remembered when the cookie's user takes over from another", async () => {
    const ada = await remembered();
    const bob = new Visitor(flask, plain, { codec: flaskCodec({ secretKey: SECRET }) });
    await bob.toFlask({ method: "POST", path: "/login", json: { user: "bob" } });
    ada.cookies.set("session", bob.cookies.get("session") ?? "");
    expect(await ada.toTypeScript((session) => session.login("ada"))).toHaveLength(1);
    expect([...ada.cookies.keys()]).toContain("remember_token");
  });

  it("is not taken from the cookie while Flask's session says that it is to go", async () => {
    const make = async (): Promise<Visitor> => {
      const ada = await remembered();
      ada.cookies.set("session", await flask.dump(plain, { dict: [["_remember", "clear"]] }, ada.now));
      return ada;
    };
    expect(await (await make()).flaskSession()).toMatchObject({ user: null });
    await (await make()).toTypeScript((session) => expect(session.userId).toBeNull());
  });

  it("is forgotten when strong protection ends the session, as in Flask", async () => {
    const make = async (): Promise<Visitor> => {
      const config = { ...plain, SESSION_PROTECTION: "strong" };
      const ada = new Visitor(flask, config, {
        codec: flaskCodec({ secretKey: SECRET, login: { protection: "strong" } }),
      });
      await ada.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
      await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada", remember: true } });
      ada.agent = "Another/1.0";
      return ada;
    };
    const [onFlask, here] = [await make(), await make()];
    expect(await onFlask.flaskSession()).toMatchObject({ user: null });
    expect([...onFlask.cookies.keys()]).not.toContain("remember_token");
    await here.toTypeScript((session) => expect([session.userId, session.get("cart")]).toEqual([null, ["tea"]]));
    expect([...here.cookies.keys()]).not.toContain("remember_token");
    expect(await here.flaskSession()).toMatchObject({ user: null });
  });

  it.each(["7", "ünïcödé", "a|b|c", 'quo"te\\back;semi,comma', "日本 😀", "a b"])(
    "may have any id: %s",
    async (user) => {
      const { cookie } = await flask.ask<{ cookie: string }>("remember_token", plain, { user });
      const ada = new Visitor(flask, plain, { codec: flaskCodec({ secretKey: SECRET }) });
      const [name, ...rest] = cookie.split("=");
      ada.cookies.set(name as string, rest.join("="));
      expect(await ada.flaskSession()).toMatchObject({ user });
      ada.cookies.delete("session");
      await ada.toTypeScript((session) => expect(session.userId).toBe(user));
    },
  );
});

describeFlask("a remember cookie that Flask-Login would refuse", () => {
  it("names nobody here either", async () => {
    const { token } = await flask.ask<{ token: string }>("remember_token", plain, { user: "ada" });
    const another = await flask.ask<{ token: string }>("remember_token", { SECRET_KEY: "another" }, { user: "ada" });
    const digest = token.slice(4);
    const tokens = [
      another.token,
      `bob|${digest}`,
      `ada|${digest.slice(0, -1)}`,
      `ada|${digest.toUpperCase()}`,
      `ada|${digest}0`,
      `ada${digest}`,
      `|${digest}`,
      "ada|",
      "|",
      "",
      digest,
    ];
    for (const changed of tokens) {
      const ada = new Visitor(flask, plain, { codec: flaskCodec({ secretKey: SECRET }) });
      ada.cookies.set("remember_token", changed);
      expect([changed, (await ada.flaskSession()).user]).toEqual([changed, null]);
      await ada.toTypeScript((session) => expect([changed, session.userId]).toEqual([changed, null]));
    }
  });

  it("is not looked at where the codec is told so", async () => {
    for (const login of [{ rememberCookie: false as const }, false as const]) {
      const ada = await remembered(plain, { login });
      const lines = await ada.toTypeScript((session) => {
        expect(session.userId).toBeNull();
        session.set("a", 1);
      });
      expect(lines).toHaveLength(1);
    }
  });

  it("has the name, domain and path that Flask gives it", async () => {
    const config = {
      ...plain,
      REMEMBER_COOKIE_NAME: "stay",
      REMEMBER_COOKIE_PATH: "/app",
      REMEMBER_COOKIE_DOMAIN: "shop.example",
    };
    const rememberCookie = { name: "stay", path: "/app", domain: "shop.example" };
    const ada = new Visitor(flask, config, { codec: flaskCodec({ secretKey: SECRET, login: { rememberCookie } }) });
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada", remember: true } });
    ada.cookies.delete("session");
    const lines = await ada.toTypeScript((session) => {
      expect(session.userId).toBe("ada");
      session.logout();
    });
    expect(lines).toContainEqual("stay=; Max-Age=0; Domain=shop.example; Path=/app; HttpOnly; Secure; SameSite=Lax");
  });
});
