import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { programsOf } from "./support/programs.ts";
import { freePort } from "./support/services/server.ts";

const root = join(import.meta.dirname, "..");
const secret = "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY";

describe("README.md", () => {
  const folder = mkdtempSync(join(tmpdir(), "flagon-readme-"));
  const programs = programsOf("README.md");

  beforeAll(() => {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    for (const [file, code] of programs) writeFileSync(join(folder, file), code);
    process.env.SESSION_SECRET = secret;
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("shows three programs", () => {
    expect(programs.map(([file]) => file)).toEqual(["server.ts", "login.ts", "backends.ts"]);
  });

  // Each by itself: one program's `Register` is not the other's.
  test.each(programs.map(([file]) => file))("%s has the right types", (file) => {
    const config = join(folder, `${file}.json`);
    writeFileSync(config, JSON.stringify({ extends: join(root, "tsconfig.base.json"), files: [file] }));
    const { status, stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["--project", config], {
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  test("server.ts counts visits", async () => {
    const port = await freePort();
    const env = { ...process.env, SESSION_SECRET: secret, PORT: String(port), NODE_ENV: "development" };
    const server = spawn(process.execPath, ["--conditions=flagon-source", join(folder, "server.ts")], {
      env,
      stdio: "inherit",
    });
    try {
      const ask = (cookie = ""): Promise<Response> => fetch(`http://127.0.0.1:${port}/`, { headers: { cookie } });
      await expect
        .poll(
          () =>
            ask().then(
              ({ status }) => status,
              () => 0,
            ),
          { timeout: 15_000 },
        )
        .toBe(200);
      const first = await ask();
      expect(await first.text()).toBe("Visit number 1");
      const second = await ask(first.headers.getSetCookie()[0]?.split(";")[0]);
      expect(await second.text()).toBe("Visit number 2");
    } finally {
      server.kill();
      await once(server, "exit");
    }
  });

  test("login.ts signs a person in, greets them once, and signs them out", async () => {
    const { app } = await import(join(folder, "login.ts"));
    const post = (path: string, body: string, cookie = ""): Promise<Response> =>
      app.request(`http://localhost${path}`, {
        method: "POST",
        body,
        headers: { cookie, "content-type": "application/x-www-form-urlencoded" },
      });
    const home = async (cookie: string): Promise<Response> => app.request("http://localhost/", { headers: { cookie } });
    const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]?.split(";")[0] ?? "";

    const refused = await post("/login", "name=ada&password=wrong");
    expect(refused.headers.get("location")).toBe("/login?failed");
    const signedIn = cookieOf(await post("/login", "name=ada&password=open+sesame&keep=on"));
    const greeted = await home(signedIn);
    expect(await greeted.text()).toBe("Login successful!\nHello ada");
    expect(await (await home(cookieOf(greeted))).text()).toBe("Hello ada");
    const out = await post("/logout", "", cookieOf(greeted));
    expect(out.headers.getSetCookie()[0]).toContain("Max-Age=0");
    expect(await (await home(cookieOf(greeted))).text()).toBe("Hello stranger");
  });

  test("backends.ts makes sessions of three kinds", async () => {
    const before = process.cwd();
    const inside = join(folder, "run");
    mkdirSync(inside);
    process.chdir(inside);
    try {
      const backends = await import(join(folder, "backends.ts"));
      for (const sessions of [backends.inTheCookie, backends.revocable, backends.onTheServer]) {
        const request = { method: "GET", url: "https://example.com/", header: () => null };
        const session = await sessions.open(request);
        session.set("kept", true);
        expect((await sessions.commit(session))[0]?.[0]).toBe("Set-Cookie");
      }
      expect(existsSync(join(inside, "sessions.db"))).toBe(true);
    } finally {
      process.chdir(before);
    }
  });
});

test("every page that is linked to is there", () => {
  const decisions = readdirSync(join(root, "docs/decisions")).map((page) => `docs/decisions/${page}`);
  const documents = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"];
  for (const page of [...documents, "docs/guide.md", "docs/stores.md", "docs/moving-from-flask.md", ...decisions]) {
    const text = readFileSync(join(root, page), "utf8");
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = ""]) => link);
    for (const link of links) expect(existsSync(join(root, page, "..", link)), `${page} links to ${link}`).toBe(true);
  }
});
