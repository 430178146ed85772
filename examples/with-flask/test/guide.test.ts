import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../../../test/support/services/describe-with.ts";
import { python, type Server, startFlask } from "../../../test/support/services/index.ts";
import { dataFolder, freePort, startServer } from "../../../test/support/services/server.ts";

const root = join(import.meta.dirname, "../../..");
const guide = readFileSync(join(root, "docs/moving-from-flask.md"), "utf8");

/** The file that the guide shows under this name. */
function shown(name: string): string {
  const match = new RegExp(`^ *\`\`\`\\w+ file=${name.replace(".", "\\.")}\\n([\\s\\S]*?)^ *\`\`\`$`, "m").exec(guide);
  if (match === null) throw new Error(`the guide shows no ${name}`);
  return match[1] as string;
}

/** The guide's `curl` lines: what is asked, and what the comment says is answered. */
const steps = [...guide.matchAll(/^curl (.*?) (http:\S+) +# (.*)$/gm)].map(([, flags = "", url = "", answer = ""]) => ({
  body: / -d (\S+)/.exec(` ${flags}`)?.[1]?.replace(/^''$/, ""),
  url,
  answer,
}));

describeWith("flask")("the guide, followed by its own words", () => {
  const folder = mkdtempSync(join(tmpdir(), "flagon-guide-"));
  const env = { FLASK_SECRET_KEY: "d5a1c0a3f1e84b6f9b0e6a4d2c7f8e13" };
  const ports = new Map<string, string>();
  const servers: Server[] = [];
  let origin = "";

  beforeAll(async () => {
    for (const name of ["app.py", "app.ts", "leaving.ts"]) writeFileSync(join(folder, name), shown(name));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await python();
    const flask = await startFlask({ app: join(folder, "app.py"), env });
    servers.push(flask);
    const port = await freePort();
    const typescript = await startServer(
      {
        command: process.execPath,
        args: [
          "--conditions=flagon-source",
          "--input-type=module",
          "-e",
          `await import(${JSON.stringify(join(folder, "app.ts"))}); console.log("started")`,
        ],
        env: { ...env, PORT: String(port) },
        stopSignals: ["SIGTERM"],
        ready: /started/,
      },
      { url: `http://127.0.0.1:${port}`, port, folder: dataFolder("guide") },
    );
    servers.push(typescript);
    origin = typescript.url;
    ports.set("127.0.0.1:5000", `127.0.0.1:${flask.port}`).set("127.0.0.1:8000", `127.0.0.1:${port}`);
  });

  afterAll(async () => {
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("gives the answers that it shows", async () => {
    expect(steps).toHaveLength(4);
    // The guide's program does not say when it takes connections.
    const status = () =>
      fetch(`${origin}/ts`).then(
        (response) => response.status,
        () => 0,
      );
    await expect.poll(status, { timeout: 15_000 }).toBe(200);
    const jar = new Map<string, string>();
    for (const { body, url, answer } of steps) {
      const here = url.replace(/127\.0\.0\.1:\d+/, (origin) => ports.get(origin) ?? "");
      expect(await curl(here, body, jar)).toBe(answer);
    }
  });

  test("leaves Flask's cookie with a program that runs", async () => {
    process.env.FLASK_SECRET_KEY = env.FLASK_SECRET_KEY;
    process.env.SESSION_SECRET = "Vw0ecZ8rAIqTQn5mQ1xkPfHs7dGJb3LY";
    const { sessions } = await import(join(folder, "leaving.ts"));
    const session = await sessions.open({ method: "GET", url: "https://shop.example/", header: () => null });
    expect(session.userId).toBeNull();
  });
});

/** `curl -c jar -b jar -L`, with a POST where there is a body. */
async function curl(url: string, body: string | undefined, jar: Map<string, string>): Promise<string> {
  const headers: Record<string, string> = { cookie: [...jar].map((pair) => pair.join("=")).join("; ") };
  if (body !== undefined) headers["content-type"] = "application/x-www-form-urlencoded";
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  for (const line of response.headers.getSetCookie()) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (/Max-Age=0|Expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
    else jar.set(name, value);
  }
  const location = response.headers.get("location");
  return location === null ? (await response.text()).trim() : curl(new URL(location, url).href, undefined, jar);
}
