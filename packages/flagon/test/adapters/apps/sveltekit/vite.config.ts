import adapter from "@sveltejs/adapter-node";
import { sveltekit } from "@sveltejs/kit/vite";
import { defineConfig, type UserConfig } from "vite";

const config: UserConfig = defineConfig({
  // Flagon's sources, so that no test needs a build of the package.
  ssr: { noExternal: ["flagon"], resolve: { conditions: ["flagon-source"] } },
  plugins: [sveltekit({ adapter: adapter({ out: "../.built/sveltekit", precompress: false }) })],
});

export default config;
