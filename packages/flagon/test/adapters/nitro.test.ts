import type { RequestListener } from "node:http";
import { beforeAll, describe, vi } from "vitest";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { build, importBuilt } from "./build.ts";
import { testCrossSite } from "./cross-site.ts";
import { listen, testAll } from "./listen.ts";
import { fetchWays } from "./shared-head.ts";

let middleware: RequestListener;

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {}); // Nitro logs each error that it answers
  await build("nitro", "nitro", "build");
  ({ middleware } = await importBuilt<{ middleware: RequestListener }>("nitro/server/index.mjs"));
}, 300_000);

const serve: ServeAdapter = (app) => {
  globalThis.flagonApp = app;
  return listen(middleware);
};

describe("the h3 adapter conforms in a production build of Nitro", () =>
  testAll(adapterConformance(serve, { sharedHeads: Object.keys(fetchWays) })));
testCrossSite(serve);
