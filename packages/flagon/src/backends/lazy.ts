import { failedHandle, type SessionBackend } from "./backend.ts";

/**
 * A backend whose code is fetched at its first use: what keeps its sessions in the cookie, or runs where every kilobyte is
 * loaded at each start, never carries what only a store needs.
 */
export function lazyBackend(fetch: () => Promise<SessionBackend>): SessionBackend {
  let backend: SessionBackend | undefined;
  let fetched: Promise<SessionBackend> | undefined;
  const load = (): Promise<SessionBackend> => {
    fetched ??= fetch().then((made) => {
      backend = made;
      return made;
    });
    return fetched;
  };
  return {
    open: (request, cookie) =>
      backend?.open(request, cookie) ?? load().then((made) => made.open(request, cookie), failedHandle),
    list: async (...given) => (await load()).list(...given),
    revoke: async (...given) => (await load()).revoke(...given),
    revokeUser: async (...given) => (await load()).revokeUser(...given),
    update: async (...given) => (await load()).update(...given),
    count: async () => (await load()).count(),
    prune: async () => (await load()).prune(),
  };
}
