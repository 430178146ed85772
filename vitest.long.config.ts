import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

const MINUTE = 60_000;

/** What takes minutes: `npm run test:long`. One file after another, because they kill servers and fill the machine. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ["packages/flagon/test/long/**/*.long.ts"],
    fileParallelism: false,
    testTimeout: 60 * MINUTE,
    hookTimeout: 5 * MINUTE,
    disableConsoleIntercept: true,
  },
});
