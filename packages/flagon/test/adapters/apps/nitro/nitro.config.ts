import { defineConfig } from "nitro";

const config: ReturnType<typeof defineConfig> = defineConfig({
  serverDir: ".",
  buildDir: "../.built/nitro/work",
  output: { dir: "../.built/nitro" },
  preset: "node_middleware",
  // Flagon's sources, so that no test needs a build of the package.
  exportConditions: ["flagon-source"],
});

export default config;
