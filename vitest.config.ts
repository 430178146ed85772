import { defineConfig } from "vitest/config";

/** `flagon/…` means the sources here, so that tests need no build. */
const conditions = ["flagon-source", "node"];

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/flagon/test/**/*.test.ts", "examples/*/test/**/*.test.ts", "test/**/*.test.ts"],
    // One framework to a process: each test file has a process of its own, so that what one framework patches (Express
    // its request prototype, say) can't hold another's test up.
    pool: "forks",
    isolate: true,
    maxWorkers: "100%",
    globalSetup: ["./test/support/needed-services.ts"],
    setupFiles: ["./packages/flagon/test/new-process.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ["default", "./scripts/plain-line-reporter.ts"],
  },
});
