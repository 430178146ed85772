/** Whether this process serves real visitors, as NODE_ENV says. False where there is no `process` (Workers). */
export function isProduction(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.NODE_ENV === "production";
}
