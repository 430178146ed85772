import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { SessionOptions } from "flagon";
import { type Bag, data, greet, hello, secret } from "../http/servers/common.ts";
import { type Act, acts, type Contender, send } from "./contender.ts";

/** One checkout's Flagon. */
export interface Build {
  readonly createSessions: typeof import("flagon").createSessions;
  readonly session: typeof import("flagon/node").session;
  readonly memoryStore: typeof import("flagon/memory").memoryStore;
}

/** From the sources under `folder`, a checkout's packages/flagon, as its own package.json names them. */
export async function loadBuild(folder: string): Promise<Build> {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const load = (path: string): Promise<Build> =>
    import(pathToFileURL(join(folder, exports[path]["flagon-source"])).href) as Promise<Build>;
  const [{ createSessions }, { session }, { memoryStore }] = (await Promise.all(
    [".", "./node", "./memory"].map((path) => load(path)),
  )) as [Build, Build, Build];
  return { createSessions, session, memoryStore };
}

export function sealedContenders(build: Build): Contender[] {
  return [
    contender("Flagon", build, acts, () => ({})),
    contender("Flagon, each cookie for the first time", build, ["read"], () => ({ cache: 0 })),
  ];
}

export function storedContenders(build: Build): Contender[] {
  return [contender("Flagon, memoryStore", build, acts, () => ({ store: build.memoryStore() }))];
}

function contender(
  name: string,
  { createSessions, session }: Build,
  acts: readonly Act[],
  options: () => Partial<SessionOptions<Bag>>,
): Contender {
  // No session is to be renewed while it is measured: that is due after a tenth of the idle time.
  const lifetime = { idle: "12h", absolute: "12h" } as const;
  return {
    name,
    acts,
    serve: () =>
      createServer(
        session(createSessions<Bag>({ secret, lifetime, ...options() }), (request, response) => {
          if (request.url === "/untouched") return send(response, hello);
          if (request.url === "/fill") for (const key in data) request.session.set(key, data[key]);
          if (request.url === "/write") request.session.update("visits", (visits = 0) => visits + 1);
          send(response, greet(request.session.get("name")));
        }),
      ),
  };
}
