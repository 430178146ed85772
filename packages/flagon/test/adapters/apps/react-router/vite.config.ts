import { reactRouter } from "@react-router/dev/vite";
import { defineConfig, type UserConfig } from "vite";

const config: UserConfig = defineConfig({
  // Flagon's sources, so that no test needs a build of the package.
  ssr: { noExternal: ["flagon"], resolve: { conditions: ["flagon-source"] } },
  plugins: [reactRouter()],
});

export default config;
