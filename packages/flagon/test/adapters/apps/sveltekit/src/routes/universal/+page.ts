export const load = async ({ fetch }: { fetch: typeof globalThis.fetch }): Promise<{ user: string | null }> =>
  await (await fetch("/api/me")).json();
