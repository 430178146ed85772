import { expect, test } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { startRedis } from "../../../test/support/services/index.ts";
import { startApp } from "./server.ts";
import { password } from "./visitor.ts";

describeWith("redis")("while Redis is down", () => {
  test("nobody is signed out, files are served, and the app goes on by itself afterwards", async () => {
    await using redis = await startRedis({ own: true, persistent: true });
    await using app = await startApp({ SESSIONS: redis.url });
    const signUp = await fetch(`${app.url}/sign-up`, {
      method: "POST",
      body: new URLSearchParams({ username: "ada", password }),
      redirect: "manual",
    });
    const cookie = signUp.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .join("; ");
    const home = () => fetch(app.url, { headers: { cookie } });
    const before = await (await home()).text();
    expect(before).toContain("Logged in as");

    await redis.kill9();
    const down = await home();
    expect(down.status).toBe(503);
    expect(down.headers.get("retry-after")).toBe("5");
    expect(down.headers.getSetCookie()).toEqual([]);
    expect(await down.text()).toContain("We can’t reach your session");
    const [, stylesheet = ""] = /href="(\/assets\/[^"]+\.css)"/.exec(before) ?? [];
    expect((await fetch(app.url + stylesheet)).status).toBe(200);

    await redis.restart();
    await expect.poll(async () => (await home()).status, { timeout: 15_000 }).toBe(200);
    expect(await (await home()).text()).toContain("Logged in as");
  }, 60_000);
});
