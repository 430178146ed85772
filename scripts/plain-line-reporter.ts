import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** Ends a test run with one plain line, "12 passed, 0 failed", for whatever reads the output: a person, a script, CI. */
export default class PlainLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === "pending" ? "failed" : state]++;
      }
      // A file that can't be loaded, or a hook that throws, has failed even where no test of it has.
      counts.failed += [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    // Last of all, after what the other reporters still have to say. A run that failed as a whole has failed once.
    process.once("exit", (code) => {
      const failed = counts.failed || Number(code !== 0);
      console.log(`\n${counts.passed} passed, ${failed} failed${skipped}`);
    });
  }
}
