import { env } from "node:process";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const root = fileURLToPath(new URL("../../../../../..", import.meta.url));
const source = "../../../../src";

const config: NextConfig = {
  distDir: env.TEST_DIST ?? "../.built/next-copies",
  typescript: { ignoreBuildErrors: true },
  // Flagon's sources, so that no test needs a build of the package.
  turbopack: {
    root,
    resolveAlias: {
      flagon: `${source}/index.ts`,
      "flagon/memory": `${source}/stores/memory.ts`,
      "flagon/next": `${source}/adapters/next.ts`,
      "flagon/redis": `${source}/stores/redis.ts`,
    },
  },
};

export default config;
