/** The suite as a program, on Node, Bun and Deno: `main.mjs <folder>`, the folder with the vectors, for scratch files too. */
import { strictEqual } from "node:assert";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { session as fetchSession } from "flagon/fetch";
import { session as nodeSession } from "flagon/node";
import { SECRET } from "../browser.ts";
import { type Case, casesFor, runCases, type World } from "./suite.ts";

interface Runtime {
  readonly Bun?: { serve(options: object): { port: number; stop(closing: boolean): void } };
  readonly Deno?: { serve(options: object, handler: object): { addr: { port: number }; shutdown(): Promise<void> } };
}

const { Bun, Deno } = globalThis as Runtime;
const [, , folder = "."] = process.argv;
const scratch = mkdtempSync(join(tmpdir(), "flagon-runtime-"));
let files = 0;

const world: World = {
  runtime: Bun ? "bun" : Deno ? "deno" : "node",
  knownAnswers: readFileSync(join(folder, "known-answers.json"), "utf8"),
  flaskCookies: readFileSync(join(folder, "flask-cookies.json"), "utf8"),
  sqlitePath: hasSqlite() ? () => join(scratch, `${files++}.sqlite`) : null,
};

const outcomes = await runCases([...casesFor(world), ...serverCases()]);
for (const { name, failure } of outcomes) if (failure !== null) console.log(`✗ ${name}\n${failure}\n`);
const failed = outcomes.filter(({ failure }) => failure !== null).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** Said by the runtime's version, so that one which should have it and lost it fails. */
function hasSqlite(): boolean {
  return Bun !== undefined || Deno !== undefined || Number.parseInt(process.versions.node, 10) >= 22;
}

/** The adapters behind the runtime's own server, over a socket. */
function serverCases(): Case[] {
  const handler = fetchSession<Record<string, unknown>>({ secret: SECRET })(
    (_request, session) => new Response(String(session.update("visits", (before) => Number(before ?? 0) + 1))),
  );
  const cases: Case[] = [
    {
      name: "node: a counter counts behind node:http",
      run: async () => {
        const server = createServer(
          nodeSession<Record<string, unknown>>({ secret: SECRET }, ({ session }, response) => {
            response.end(String(session.update("visits", (before) => Number(before ?? 0) + 1)));
          }),
        );
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const address = server.address();
        await counts(typeof address === "object" && address !== null ? address.port : 0);
        server.close();
        server.closeAllConnections();
      },
    },
  ];
  if (Bun) {
    cases.push({
      name: "fetch: a counter counts behind Bun.serve",
      run: async () => {
        const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: handler });
        await counts(server.port);
        server.stop(true);
      },
    });
  }
  if (Deno) {
    cases.push({
      name: "fetch: a counter counts behind Deno.serve",
      run: async () => {
        const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, handler);
        await counts(server.addr.port);
        await server.shutdown();
      },
    });
  }
  return cases;
}

async function counts(port: number): Promise<void> {
  let cookie = "";
  for (const expected of ["1", "2", "3"]) {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: cookie === "" ? {} : { cookie } });
    strictEqual(await response.text(), expected);
    cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  }
}
