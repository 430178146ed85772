import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const root = fileURLToPath(new URL("../../../../../..", import.meta.url));

const config: NextConfig = {
  distDir: "../.built/next",
  typescript: { ignoreBuildErrors: true },
  // Flagon's sources, so that no test needs a build of the package.
  turbopack: {
    root,
    resolveAlias: { flagon: "../../../../src/index.ts", "flagon/next": "../../../../src/adapters/next.ts" },
  },
};

export default config;
