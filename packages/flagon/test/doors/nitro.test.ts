import { fileURLToPath, pathToFileURL } from "node:url";
import { build, createNitro, prepare } from "nitro/builder";
import { beforeAll, describe, vi } from "vitest";
import { adapterConformance, type ServeAdapter } from "../../src/testing.ts";
import { importBuilt } from "./import-built.ts";
import { listen, testAll } from "./listen.ts";

const rootDir = fileURLToPath(new URL("./apps/nitro", import.meta.url));
const buildDir = fileURLToPath(new URL("./apps/.built/nitro/work", import.meta.url));
const output = fileURLToPath(new URL("./apps/.built/nitro/output", import.meta.url));
let middleware: Parameters<typeof listen>[0];

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {}); // Nitro logs each error that it answers
  const nitro = await createNitro({
    rootDir,
    buildDir,
    serverDir: rootDir,
    output: { dir: output },
    preset: "node_middleware",
    exportConditions: ["flagon-source"],
    logLevel: 0,
  });
  await prepare(nitro);
  await build(nitro);
  await nitro.close();
  ({ middleware } = await importBuilt<{ middleware: typeof middleware }>(pathToFileURL(`${output}/server/index.mjs`)));
}, 120_000);

const serve: ServeAdapter = (app) => {
  globalThis.flagonApp = app;
  return listen(middleware);
};

describe("the h3 door conforms in a production build of Nitro", () => testAll(adapterConformance(serve)));
