import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { knownDevices } from "../src/accounts/known-devices.ts";
import { makeApp, messages, password, secret, type TestApp, Visitor } from "./visitor.ts";

const home = "192.0.2.1";
const elsewhere = "198.51.100.1";

let app: TestApp;
/** Has signed in with this browser before, and is signed out. */
let ada: Visitor;

function begin(sessions: string): void {
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    app = await makeApp(sessions);
    ada = new Visitor(app, home);
    await ada.signUp("ada");
    await ada.post("/sign-out");
  });

  afterEach(() => {
    vi.useRealTimers();
  });
}

// Hashing takes its time, and what follows asks no session anything: one place of sessions will do.
describe("with sessions in sqlite,", () => {
  begin("sqlite");

  describe("whoever guesses at somebody's password", () => {
    test("waits after ten tries, even with the right one", async () => {
      const eve = new Visitor(app, elsewhere);
      expect(await guess(eve, 10)).toEqual(Array(10).fill(422));
      const answer = await signIn(eve);
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(800);
      expect(messages(answer.text)).toEqual(["Too many tries. Wait 15 minutes, then try again."]);
    });

    test("waits with all of their network, and no longer than a quarter of an hour", async () => {
      await guess(new Visitor(app, "2001:db8:1:2::1"), 10);
      const neighbour = new Visitor(app, "2001:db8:1:2:ffff::9");
      expect((await signIn(neighbour)).status).toBe(429);
      expect((await signIn(neighbour, "eve")).status).toBe(422);
      vi.setSystemTime(Date.now() + 901_000);
      expect((await signIn(neighbour)).status).toBe(303);
    });

    test("does not keep the owner out who is on another network, in a browser that is new", async () => {
      await guess(new Visitor(app, elsewhere), 15);
      expect((await signIn(new Visitor(app, home))).status).toBe(303);
    });

    test("does not keep the owner out who is on the same network, in a browser that is known", async () => {
      await guess(new Visitor(app, home), 15);
      for (let n = 0; n < 60; n += 1) await guess(new Visitor(app, home), 1, `user-${n}`);
      expect((await signIn(new Visitor(app, home))).status).toBe(429);
      expect((await signIn(ada)).status).toBe(303);
    });

    test("from many networks keeps out what is new to the account, for an hour, and no browser that is known", async () => {
      for (let n = 0; n < 10; n += 1) expect(await guess(new Visitor(app, `203.0.113.${n}`), 10)).not.toContain(429);
      const stranger = new Visitor(app, elsewhere);
      const { status, headers } = await signIn(stranger);
      expect(status).toBe(429);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(3_500);
      expect((await signIn(ada)).status).toBe(303);
      vi.setSystemTime(Date.now() + 3_601_000);
      expect((await signIn(stranger)).status).toBe(303);
    });

    test("gets no tries from an account of their own", async () => {
      const eve = new Visitor(app, elsewhere);
      await eve.signUp("eve");
      await eve.post("/sign-out");
      expect(eve.deviceCookie).not.toBeNull();
      await guess(eve, 10);
      expect((await signIn(eve)).status).toBe(429);
    });

    test("is told the same of a name that nobody has", async () => {
      const eve = new Visitor(app, elsewhere);
      expect(await guess(eve, 10, "nobody")).toEqual(Array(10).fill(422));
      expect((await signIn(eve, "nobody")).status).toBe(429);
    });
  });

  describe("a browser that is known", () => {
    test("has ten tries of its own, wherever it is, and they come back with the right one or with time", async () => {
      expect(await guess(ada, 9)).toEqual(Array(9).fill(422));
      expect((await signIn(ada)).status).toBe(303);
      await ada.post("/sign-out");
      expect(await guess(ada, 10)).toEqual(Array(10).fill(422));
      ada.address = elsewhere;
      expect((await signIn(ada)).status).toBe(429);
      expect((await signIn(new Visitor(app, home))).status).toBe(303);
      vi.setSystemTime(Date.now() + 901_000);
      expect((await signIn(ada)).status).toBe(303);
    });

    test("is known by a cookie that no script reads and no other site sends, for a year, and another at each sign-in", async () => {
      const before = ada.deviceCookie;
      const { headers } = await signIn(ada);
      const line = headers.getSetCookie().find((text) => text.startsWith("__Host-device="));
      const attributes = line?.split("; ").slice(1).toSorted();
      expect(attributes).toEqual(["HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Strict", "Secure"]);
      expect(ada.deviceCookie).not.toBe(before);
    });

    test("is signed in by that cookie nowhere", async () => {
      const thief = new Visitor(app, elsewhere);
      thief.deviceCookie = ada.deviceCookie;
      expect((await thief.get("/")).text).not.toContain("Logged in");
      expect((await thief.get("/settings")).location).toMatch(/^\/sign-in/);
    });

    test("is known to each of the people who share it", async () => {
      await ada.signUp("bob");
      await ada.post("/sign-out");
      await guess(new Visitor(app, home), 15);
      await guess(new Visitor(app, home), 15, "bob");
      expect((await signIn(ada)).status).toBe(303);
      await ada.post("/sign-out");
      expect((await signIn(ada, "bob")).status).toBe(303);
    });

    test("is a new one again after a year", async () => {
      await guess(new Visitor(app, home), 10);
      app.pass(365 * 86_400 + 1);
      expect((await signIn(ada)).status).toBe(429);
    });

    test.each([
      ["nothing", () => ""],
      ["no signature", (value: string) => value.replace(/\.[^.]+$/, "")],
      ["another signature", (value: string) => value.replace(/[^.]+$/, `${"A".repeat(43)}%3D`)],
      ["another id", (value: string) => value.replace(/\.[\w-]{22}\./, `.${"A".repeat(22)}.`)],
      ["a later end", (value: string) => value.replace(/\.(\d{10})/, ".9$1")],
      ["no text at all", () => "%ff%00;"],
    ])("is none whose cookie has %s", async (_, change) => {
      await guess(new Visitor(app, home), 10);
      const [, value = ""] = /^__Host-device=(.+)$/.exec(ada.deviceCookie ?? "") ?? [];
      expect(change(value)).not.toBe(value);
      ada.deviceCookie = `__Host-device=${change(value)}`;
      expect((await signIn(ada)).status).toBe(429);
    });
  });
});

describe.each(["cookie", "sqlite"])("with sessions in %s,", (sessions) => {
  begin(sessions);

  describe("a session", () => {
    beforeEach(async () => {
      await signIn(ada);
      app.pass(601);
    });

    test("that is asked for the password again has tries of its own, whatever fails elsewhere", async () => {
      await guess(new Visitor(app, home), 15);
      for (let n = 0; n < 10; n += 1) await guess(new Visitor(app, `203.0.113.${n}`), 10);
      const other = new Visitor(app, home);
      other.deviceCookie = ada.deviceCookie;
      await guess(other, 15);
      expect((await confirm(ada, password)).status).toBe(303);
    });

    test("that has used its tries up waits alone", async () => {
      const phone = new Visitor(app, home);
      phone.deviceCookie = ada.deviceCookie;
      await signIn(phone);
      app.pass(601);
      for (let n = 0; n < 10; n += 1) expect((await confirm(ada, "wrong wrong wrong")).status).toBe(422);
      expect((await confirm(ada, password)).status).toBe(429);
      expect((await ada.get("/")).text).toContain("Logged in as");
      expect((await confirm(phone, password)).status).toBe(303);
      expect((await signIn(new Visitor(app, home))).status).toBe(303);
      vi.setSystemTime(Date.now() + 901_000);
      expect((await confirm(ada, password)).status).toBe(303);
    });

    test("has all its tries back with the right one", async () => {
      for (let n = 0; n < 3; n += 1) {
        for (let m = 0; m < 9; m += 1) expect((await confirm(ada, "wrong wrong wrong")).status).toBe(422);
        expect((await confirm(ada, password)).status).toBe(303);
      }
    });
  });
});

test("a browser stays known while the secret is being replaced", async () => {
  const app = await makeApp("cookie");
  const ada = new Visitor(app, home);
  await ada.signUp("ada");
  const entry = /=([\w-]{36})\./.exec(ada.deviceCookie ?? "")?.[1] ?? "";
  const newer = "an0ther-secret-but-l0ng-and-mixed-En0ugh";
  const found: string[] = [];
  for (const secrets of [[secret], [newer, secret], [newer]]) {
    const { find } = knownDevices(secrets, Date.now);
    const probe = new Hono().get("/", async (c) => c.text(String(await find(c, entry))));
    found.push(await (await probe.request("/", { headers: { cookie: ada.deviceCookie ?? "" } })).text());
  }
  expect(found[0]).toMatch(/^[\w-]{22}$/);
  expect(found).toEqual([found[0], found[0], "null"]);
});

async function guess(visitor: Visitor, times: number, username = "ada"): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n += 1) {
    statuses.push((await visitor.post("/sign-in", { username, password: "wrong wrong wrong" })).status);
  }
  return statuses;
}

function signIn(visitor: Visitor, username = "ada") {
  return visitor.post("/sign-in", { username, password });
}

function confirm(visitor: Visitor, text: string) {
  return visitor.post("/confirm", { password: text, next: "/settings" });
}
