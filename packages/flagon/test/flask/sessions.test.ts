import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createSessions } from "flagon";
import { flaskCodec, tuple } from "flagon/flask";
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

function visitor(config: Config = plain, options: Partial<Parameters<typeof flaskCodec>[0]> = {}): Visitor {
  return new Visitor(flask, config, { codec: flaskCodec({ secretKey: SECRET, ...options }) });
}

describeFlask("the session cookie", () => {
  it("is written when something changed, and not otherwise", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
    expect(await ada.toTypeScript((session) => void session.get("cart"))).toEqual([]);
    expect(await ada.toTypeScript((session) => void (session.get("cart") as string[]).push("milk"))).toHaveLength(1);
    expect(await ada.flaskSession()).toMatchObject({
      session: { dict: expect.arrayContaining([["cart", ["tea", "milk"]]]) },
    });
  });

  it("is Flask's by name, and browser-long unless permanent", async () => {
    const [line] = await visitor().toTypeScript((session) => session.set("a", 1));
    expect(line).toMatch(/^session=[\w.-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it("of a permanent session is written at each look, as in Flask, unless Flask is told not to", async () => {
    for (const refreshEachRequest of [true, false]) {
      const ada = visitor({ ...plain, SESSION_REFRESH_EACH_REQUEST: refreshEachRequest }, { refreshEachRequest });
      await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada", permanent: true } });
      ada.now += 60;
      const fromFlask = await ada.toFlask({ path: "/session" });
      expect(fromFlask.cookies).toHaveLength(refreshEachRequest ? 1 : 0);
      expect(await ada.toTypeScript((session) => void session.userId)).toHaveLength(refreshEachRequest ? 1 : 0);
    }
  });

  it("is deleted when the session is withoutData, as in Flask", async () => {
    const here = visitor();
    await here.toFlask({ method: "POST", path: "/flash", json: { message: "once" } });
    expect(await here.toTypeScript((session) => void session.flashes())).toEqual([
      expect.stringMatching(/^session=; Max-Age=0/),
    ]);
    const there = visitor();
    await there.toTypeScript((session) => session.flash("once"));
    await there.toFlask({ path: "/flashes" });
    await there.toFlask({ method: "POST", path: "/clear" });
    expect([...there.cookies.keys()]).toEqual([]);
  });

  it("is the first of several with the name, as in Flask", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/set", json: { a: "b" } });
    const good = ada.cookies.get("session") ?? "";
    const bob = visitor();
    await bob.toFlask({ method: "POST", path: "/set", json: { a: "c" } });
    const other = bob.cookies.get("session") ?? "";
    for (const [values, a] of [
      [[good, "bad"], "b"],
      [["bad", good], undefined],
      [[good, other], "b"],
      [[other, good], "c"],
    ] as const) {
      const header = values.map((value) => `session=${value}`).join("; ");
      const answer = await flask.ask<{ value: { dict: [string, unknown][] } }>("load", plain, { header, now: ada.now });
      expect(Object.fromEntries(answer.value.dict).a).toBe(a);
      const session = await ada.sessions.open({
        method: "GET",
        url: "https://a.example/",
        header: (name) => (name === "cookie" ? header : null),
      });
      expect(session.get("a")).toBe(a);
    }
  });

  it("that an older secret signed is signed anew at the next look", async () => {
    const config = { SECRET_KEY: "older 77aa20f0d1c3" };
    const ada = visitor(config, { fallbacks: ["older 77aa20f0d1c3"] });
    await ada.toFlask({ method: "POST", path: "/set", json: { a: "b" } });
    expect(await ada.toTypeScript((session) => expect(session.get("a")).toBe("b"))).toHaveLength(1);
    expect(await flask.load(plain, ada.cookies.get("session") ?? "", ada.now)).toEqual({
      value: {
        dict: [
          ["_fresh", false],
          ["a", "b"],
        ],
      },
    });
  });

  it("that does not open is an event with its reason, and a new session", async () => {
    const reasons: unknown[] = [];
    const listener = (message: unknown): void => void reasons.push((message as { reason: string }).reason);
    subscribe("flagon:reject", listener);
    const ada = visitor();
    const unreadable = await flask.sign(plain, Buffer.from("[]").toString("base64url"), ada.now);
    for (const cookie of [unreadable, `${unreadable}x`, "x"]) {
      ada.cookies.set("session", cookie);
      expect(await ada.toTypeScript((session) => expect([session.isNew, session.size]).toEqual([true, 0]))).toEqual([]);
    }
    unsubscribe("flagon:reject", listener);
    expect(reasons).toEqual(["unreadable", "forged", "malformed"]);
  });

  it("that was ended by a logout here stays ended in this process", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
    const copy = ada.cookies.get("session") ?? "";
    await ada.toTypeScript((session) => session.logout());
    ada.cookies.set("session", copy);
    await ada.toTypeScript((session) => expect(session.userId).toBeNull());
    // Flask knows nothing of it: no server-side end in this format.
    ada.cookies.set("session", copy);
    expect(await ada.flaskSession()).toMatchObject({ user: "ada" });
  });
});

describeFlask("flashes", () => {
  it("that nobody read go back as they came, Markup and numbers included", async () => {
    const ada = visitor();
    await ada.toFlask({
      method: "POST",
      path: "/flash",
      json: { message: { markup: "<b>saved</b>" }, category: "info" },
    });
    await ada.toFlask({ method: "POST", path: "/flash", json: { message: { int: "3" } } });
    await ada.toTypeScript((session) => session.flash("third", "error"));
    const flashes = [
      { tuple: ["info", { markup: "<b>saved</b>" }] },
      { tuple: ["message", { int: "3" }] },
      { tuple: ["error", "third"] },
    ];
    expect(await ada.flaskSession()).toMatchObject({
      session: { dict: expect.arrayContaining([["_flashes", flashes]]) },
    });
    await ada.toTypeScript((session) => {
      expect(session.flashes({ category: "info" })).toEqual([{ category: "info", message: "<b>saved</b>" }]);
      expect(session.flashes()).toEqual([
        { category: "message", message: "3" },
        { category: "error", message: "third" },
      ]);
    });
    expect((await ada.toFlask({ path: "/flashes" })).body).toMatchObject({ flashes: [] });
  });

  it("left over when one category was read go back as they came", async () => {
    const ada = visitor();
    await ada.toFlask({
      method: "POST",
      path: "/flash",
      json: { message: { markup: "<b>one</b>" }, category: "info" },
    });
    await ada.toFlask({ method: "POST", path: "/flash", json: { message: "two", category: "error" } });
    await ada.toTypeScript((session) => void session.flashes({ category: "error" }));
    const left = [{ tuple: ["info", { markup: "<b>one</b>" }] }];
    expect(await ada.flaskSession()).toMatchObject({ session: { dict: expect.arrayContaining([["_flashes", left]]) } });
  });
});

describeFlask("set", () => {
  it("throws for what Flask's cookie can't carry, and for Flask's own keys", async () => {
    await visitor().toTypeScript((session) => {
      expect(() => session.set("at", new Date(1))).toThrow(TypeError);
      expect(() => session.set("cart", new Map())).toThrow(TypeError);
      expect(() => session.set("_flashes", [])).toThrow(TypeError);
      expect(() => session.set("_user_id", "eve")).toThrow(TypeError);
      expect(() => session.set("_permanent", true)).toThrow(TypeError);
      session.set("pair", tuple("a", 1n << 60n));
    });
  });
});

describeFlask("upgradeFrom", () => {
  const until = "2030-01-01";
  const now = 1_750_000_000;

  function sealed(codec = flaskCodec({ secretKey: SECRET })) {
    return createSessions({
      secret: "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY",
      upgradeFrom: [{ codec, until }],
      now: () => now * 1_000,
    });
  }

  const request = (cookie: string) => ({
    method: "GET",
    url: "https://shop.example/",
    header: (name: string) => (name === "cookie" ? cookie : null),
  });

  it("opens Flask's cookie and answers with a sealed one, in Flagon's own kinds of values", async () => {
    const cookie = await flask.dump(
      plain,
      {
        dict: [
          ["_flashes", [{ tuple: ["info", { markup: "<b>" }] }]],
          ["_user_id", "ada"],
          ["at", { datetime: 1 }],
          ["pair", { tuple: ["a", { markup: "<i>" }, { uuid: "12345678-1234-5678-1234-567812345678" }] }],
        ],
      },
      now,
    );
    const sessions = sealed();
    const session = await sessions.open(request(`session=${cookie}`));
    expect(session.userId).toBe("ada");
    const lines = await sessions.commit(session);
    const line =
      lines.find(([name, value]) => name === "Set-Cookie" && value.startsWith("__Host-Http-session="))?.[1] ?? "";
    const again = await sessions.open(request(line.split(";")[0] as string));
    expect([again.userId, again.get("pair"), again.get("at"), again.flashes()]).toEqual([
      "ada",
      ["a", "<i>", "12345678-1234-5678-1234-567812345678"],
      new Date(1_000),
      [{ message: "<b>", category: "info" }],
    ]);
  });

  it("is the only way: without it a sealed jar never opens Flask's cookie", async () => {
    const cookie = await flask.dump(plain, { dict: [["_user_id", "ada"]] }, now);
    const sessions = createSessions({ secret: "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY", now: () => now * 1_000 });
    for (const name of ["session", "__Host-Http-session"]) {
      expect((await sessions.open(request(`${name}=${cookie}`))).userId).toBeNull();
    }
  });
});
