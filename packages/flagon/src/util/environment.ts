/** Whether this process serves real visitors, as NODE_ENV says. False where there is no `process` (Workers). */
export function isProduction(): boolean {
  return globalThis.process?.env?.NODE_ENV === "production";
}
