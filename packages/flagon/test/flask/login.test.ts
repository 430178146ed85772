import { createHash } from "node:crypto";
import fc from "fast-check";
import { flaskCodec } from "flagon/flask";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../../../test/support/services/describe-with.ts";
import type { OpenRequest } from "../../src/codec.ts";
import { createIdentifier } from "../../src/flask/identifier.ts";
import { type Config, FlaskPeer } from "./peer.ts";
import { SECRET } from "./support.ts";
import { AGENT, Visitor } from "./visitor.ts";

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

describeFlask("who signed in on Flask", () => {
  it("is known here, fresh, and is signed out there by signing out here", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
    await ada.toTypeScript((session) => {
      expect([session.userId, session.isFresh("10m"), session.isNew, session.createdAt]).toEqual([
        "ada",
        true,
        false,
        null,
      ]);
      session.flash("Hello from TypeScript", "success");
    });
    const { body } = await ada.toFlask({ path: "/flashes" });
    expect(body).toMatchObject({ user: "ada", fresh: true, flashes: [["success", "Hello from TypeScript"]] });
    const lines = await ada.toTypeScript((session) => session.logout());
    expect(lines).toEqual([expect.stringMatching(/^session=; Max-Age=0/)]);
    expect(await ada.flaskSession()).toMatchObject({ user: null, session: { dict: [] } });
  });

  it("keeps the login when the app's user ids are numbers", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/set", json: { _user_id: { int: "7" } } });
    await ada.toTypeScript((session) => {
      expect(session.userId).toBe("7");
      session.set("seen", true);
    });
    const { session } = await ada.flaskSession();
    expect(session).toMatchObject({ dict: expect.arrayContaining([["_user_id", { int: "7" }]]) });
  });
});

describeFlask("who signed in here", () => {
  it("is known to Flask, fresh, and is signed out here by signing out there", async () => {
    const ada = visitor();
    await ada.toTypeScript((session) => session.login("ada"));
    await ada.toFlask({ method: "POST", path: "/flash", json: { message: "Hello from Flask", category: "info" } });
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: true, permanent: false });
    await ada.toTypeScript((session) => {
      expect(session.flashes()).toEqual([{ message: "Hello from Flask", category: "info" }]);
    });
    await ada.toFlask({ method: "POST", path: "/logout" });
    await ada.toTypeScript((session) => expect(session.userId).toBeNull());
  });

  it("is permanent in both when asked for", async () => {
    const ada = visitor();
    const [line] = await ada.toTypeScript((session) => session.login("ada", { permanent: true }));
    expect(line).toMatch(/Max-Age=267840[01]/);
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", permanent: true });
    await ada.toTypeScript((session) => expect(session.permanent).toBe(true));
  });

  it("loses the data of the user before, not a visitor's own", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
    await ada.toTypeScript((session) => session.login("ada"));
    expect(await ada.flaskSession()).toMatchObject({
      user: "ada",
      session: { dict: expect.arrayContaining([["cart", ["tea"]]]) },
    });
    await ada.toTypeScript((session) => session.login("bob"));
    const { user, session } = await ada.flaskSession();
    expect([user, JSON.stringify(session)]).toEqual(["bob", expect.not.stringContaining("tea")]);
  });

  it("is fresh again after signing in anew", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
    ada.agent = "Another/1.0";
    await ada.toTypeScript((session) => {
      expect(session.isFresh("1d")).toBe(false);
      session.login("ada");
      expect(session.isFresh("1d")).toBe(true);
    });
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: true });
  });

  it("gets no identifier where the app does without Flask-Login", async () => {
    const ada = visitor(plain, { login: false });
    await ada.toTypeScript((session) => session.login("ada"));
    const cookie = ada.cookies.get("session") ?? "";
    expect(await flask.loadData(plain, cookie, ada.now)).toEqual({
      value: {
        dict: [
          ["_fresh", true],
          ["_user_id", "ada"],
        ],
      },
    });
    await ada.toTypeScript((session) => expect(session.isFresh("1m")).toBe(true));
  });
});

describeFlask("Flask-Login's identifier", () => {
  const text = fc.string({
    unit: fc
      .integer({ min: 0x21, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    maxLength: 30,
  });
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const forwarded = fc.option(
    fc.array(fc.oneof(address, text), { maxLength: 3 }).map((list) => list.join(" , ")),
    { nil: undefined },
  );

  it("is the one that 0.6 makes, for any address and User-Agent", async () => {
    await fc.assert(
      fc.asyncProperty(address, fc.option(text, { nil: undefined }), forwarded, async (from, agent, via) => {
        const headers: [string, string][] = [];
        if (agent !== undefined) headers.push(["User-Agent", agent]);
        if (via !== undefined) headers.push(["X-Forwarded-For", via]);
        const { body } = await flask.request(plain, { path: "/identifier", headers, address: from }, 1);
        const given = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
        // Werkzeug's test client names itself where nobody did.
        if (agent === undefined) given.set("user-agent", "werkzeug/2.2.2");
        expect(createIdentifier(requestWith(given), from, "0.6")).toBe(body.identifier);
      }),
      { numRuns: 500 },
    );
  });

  it("is 0.7's where the app has that", () => {
    const sha512 = (hashed: string) => createHash("sha512").update(hashed).digest("hex");
    const headers = new Map([
      ["user-agent", AGENT],
      ["x-forwarded-for", "9.9.9.9"],
    ]);
    expect(createIdentifier(requestWith(headers), "127.0.0.1", "0.7")).toBe(sha512(`127.0.0.1|${AGENT}`));
    expect(createIdentifier(requestWith(new Map()), undefined, "0.7")).toBe(sha512("None|"));
    expect(createIdentifier(requestWith(new Map()), undefined, "0.6")).toBe(sha512("None|None"));
  });

  it("is the same for an IPv4 client of a server that listens on IPv6 too", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
    ada.address = "::ffff:127.0.0.1";
    await ada.toTypeScript((session) => expect(session.isFresh("1m")).toBe(true));
  });
});

describeFlask("session protection", () => {
  it.each([
    { protection: "basic" as const, user: "ada", fresh: false },
    { protection: "strong" as const, user: null, fresh: false },
    { protection: "none" as const, user: "ada", fresh: true },
  ])("$protection means here what it means in Flask", async ({ protection, user, fresh }) => {
    const config = { ...plain, SESSION_PROTECTION: protection === "none" ? null : protection };
    const make = async (): Promise<Visitor> => {
      const ada = visitor(config, { login: { protection } });
      await ada.toFlask({ method: "POST", path: "/set", json: { cart: ["tea"] } });
      await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
      ada.agent = "Another/1.0";
      return ada;
    };
    const [onFlask, here] = [await make(), await make()];
    expect(await onFlask.flaskSession()).toMatchObject({ user, fresh });
    await here.toTypeScript((session) => {
      expect([session.userId, session.isFresh("1d"), session.get("cart")]).toEqual([user, fresh, ["tea"]]);
      session.set("seen", true);
    });
    expect(await here.flaskSession()).toMatchObject({ user, fresh });
    here.agent = AGENT;
    // What the stranger did stays: fresh is not given back.
    expect(await here.flaskSession()).toMatchObject({ user, fresh });
  });

  it("strong is basic for a permanent session, as in Flask", async () => {
    const config = { ...plain, SESSION_PROTECTION: "strong" };
    const ada = visitor(config, { login: { protection: "strong" } });
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada", permanent: true } });
    ada.agent = "Another/1.0";
    await ada.toTypeScript((session) => expect([session.userId, session.isFresh("1d")]).toEqual(["ada", false]));
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: false });
  });

  it("takes no freshness away in Flask where the address is not known here", async () => {
    const ada = visitor();
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
    const { address } = ada;
    Object.assign(ada, { address: undefined });
    await ada.toTypeScript((session) => {
      expect(session.isFresh("1d")).toBe(false);
      session.set("seen", true);
    });
    ada.address = address;
    expect(await ada.flaskSession()).toMatchObject({ user: "ada", fresh: true });
  });

  it("asks the app for the address where the framework knows another", async () => {
    const ada = visitor(plain, { login: { address: () => "10.0.0.7" } });
    ada.address = "10.0.0.7";
    await ada.toFlask({ method: "POST", path: "/login", json: { user: "ada" } });
    ada.address = "192.168.0.1";
    await ada.toTypeScript((session) => expect(session.isFresh("1m")).toBe(true));
  });
});

function requestWith(headers: ReadonlyMap<string, string>): OpenRequest {
  return { method: "GET", url: "http://localhost/", header: (name) => headers.get(name) };
}
