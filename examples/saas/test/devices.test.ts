import { beforeEach, describe, expect, test } from "vitest";
import { devices, makeApp, messages, password, type TestApp, Visitor } from "./visitor.ts";

const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/1 Safari/605.1";

describe.each(["cookie", "sqlite"])("with sessions in %s,", (sessions) => {
  let app: TestApp;
  let ada: Visitor;
  beforeEach(async () => {
    app = await makeApp(sessions);
    ada = new Visitor(app);
  });

  describe("devices", () => {
    let phone: Visitor;
    beforeEach(async () => {
      await ada.signUp("ada");
      phone = new Visitor(app, "192.0.2.2");
      phone.userAgent = iPhone;
      app.pass(60);
      await phone.post("/sign-in", { username: "ada", password });
    });

    test("are all signed out but this one, which goes on", async () => {
      await ada.post("/devices/sign-out-others");
      expect((await phone.get("/")).text).not.toContain("Logged in");
      expect((await ada.get("/devices")).text).toContain("All other devices are signed out.");
    });

    test("that were signed out can be signed in again at once", async () => {
      await ada.post("/devices/sign-out-others");
      await phone.get("/");
      await phone.post("/sign-in", { username: "ada", password });
      expect((await phone.get("/")).text).toContain("Logged in as");
    });

    test("are signed out by the person, not by whoever finds one of them open", async () => {
      app.pass(700);
      for (const path of ["/devices/sign-out-others", "/devices/sign-out"]) {
        expect((await ada.post(path)).location).toBe("/confirm?next=%2Fdevices");
      }
      const { text } = await ada.get("/confirm?next=%2Fdevices");
      expect(messages(text)).toContain("Nothing was changed yet. Enter your password, then try again.");
      expect((await phone.get("/")).text).toContain("Logged in as");

      expect((await ada.get("/devices")).text).toContain("You signed in a while ago.");
      expect((await ada.post("/confirm", { password, next: "/devices" })).location).toBe("/devices");
      expect((await ada.get("/devices")).text).not.toContain("You signed in a while ago.");
      await ada.post("/devices/sign-out-others");
      expect((await phone.get("/")).text).not.toContain("Logged in");
    });

    test("are for who is signed in", async () => {
      const stranger = new Visitor(app);
      expect((await stranger.get("/devices")).location).toBe("/sign-in?next=%2Fdevices");
      expect((await stranger.post("/devices/sign-out-others")).location).toBe("/sign-in?next=%2Fdevices");
      expect((await stranger.get("/live")).status).toBe(204);
    });

    test("are picked out where there is a list, and where there is none a page says what is possible", async () => {
      for (const id of ["", "nobody's", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"]) {
        const answer = await ada.post("/devices/sign-out", { id });
        expect(answer.status).toBe(sessions === "cookie" ? 404 : 303);
        const { text } = sessions === "cookie" ? answer : await ada.get("/devices");
        expect(text).toContain(
          sessions === "cookie"
            ? "All other devices can be signed out together."
            : "That device is signed out already.",
        );
      }
      expect((await ada.get("/devices")).text.includes('action="/devices/sign-out"')).toBe(sessions !== "cookie");
      expect((await phone.get("/")).text).toContain("Logged in as");
    });

    test("where there is no list of them, the page says so", async () => {
      const { text } = await ada.get("/devices");
      expect(text.includes("there is no list of them")).toBe(sessions === "cookie");
      expect(text).toContain("Sign out all other devices");
    });
  });
});

describe("the list of devices", () => {
  let app: TestApp;
  let ada: Visitor;
  let phone: Visitor;
  beforeEach(async () => {
    app = await makeApp("sqlite");
    ada = new Visitor(app);
    await ada.signUp("ada");
    phone = new Visitor(app, "192.0.2.2");
    phone.userAgent = iPhone;
    app.pass(60);
    await phone.post("/sign-in", { username: "ada", password });
  });

  test("has this one first, with when they came and were last seen", async () => {
    app.pass(120);
    expect(devices((await ada.get("/devices")).text)).toEqual([
      "A device without a name This device Signed in 3 minutes ago, last seen 3 minutes ago",
      "Safari on iPhone Signed in 2 minutes ago, last seen 2 minutes ago",
    ]);
    expect(devices((await phone.get("/devices")).text)[0]).toMatch(/^Safari on iPhone This device/);
  });

  test("signs out one by one", async () => {
    const { text } = await ada.get("/devices");
    const [, id = ""] = /name="id" value="([^"]+)"/.exec(text) ?? [];
    await ada.post("/devices/sign-out", { id });
    expect((await phone.get("/")).text).not.toContain("Logged in");
    const after = await ada.get("/devices");
    expect(messages(after.text)).toContain("Safari on iPhone is signed out.");
    expect(devices(after.text)).toHaveLength(1);
  });

  test("of another person is out of reach, also for one who knows an id", async () => {
    const eve = new Visitor(app, "192.0.2.3");
    await eve.signUp("eve");
    const [, id = ""] = /name="id" value="([^"]+)"/.exec((await ada.get("/devices")).text) ?? [];
    expect(id).not.toBe("");
    await eve.post("/devices/sign-out", { id });
    expect((await phone.get("/")).text).toContain("Logged in as");
  });
});
