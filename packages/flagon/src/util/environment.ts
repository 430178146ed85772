/** Whether this process serves its developer alone, as NODE_ENV says: "development", or "test" as test runners set it. */
export function isDevelopment(): boolean {
  return /^(development|test)$/.test(globalThis.process?.env?.NODE_ENV ?? "");
}

/** Whether this process serves real visitors, as NODE_ENV says. False where there is no `process` (Workers). */
export function isProduction(): boolean {
  return globalThis.process?.env?.NODE_ENV === "production";
}
