import { defineConfig, mergeConfig } from "vitest/config";
import shared from "./vitest.config.ts";

const MINUTE = 60_000;

/** What takes longer than anyone waits for: `npm run test:long`. One file after another, since they kill servers. */
export default defineConfig(() => {
  const config = mergeConfig(shared, {
    test: { testTimeout: 60 * MINUTE, hookTimeout: 5 * MINUTE, fileParallelism: false, disableConsoleIntercept: true },
  });
  config.test.include = ["packages/flagon/test/long/**/*.long.ts"];
  return config;
});
