import type { AdapterApp, AdapterReply } from "../../../src/testing.ts";

declare global {
  /** The app under test: set by the test, read by what a framework has built, in the same process. */
  var flagonApp: AdapterApp | undefined;
  /** Told who was there, once the response is over. */
  var flagonLate: ((userId: string | null) => void) | undefined;
}

function app(): AdapterApp {
  if (globalThis.flagonApp === undefined) throw new Error("no app is under test");
  return globalThis.flagonApp;
}

/** What an app would make with `createSessions`; here it asks those of the case that runs. */
export const sessions: AdapterApp["sessions"] = {
  open: (request) => app().sessions.open(request),
  commit: (session, response) => app().sessions.commit(session, response),
  list: (userId) => app().sessions.list(userId),
  revoke: (id, options) => app().sessions.revoke(id, options),
  update: (id, change, options) => app().sessions.update(id, change, options),
  revokeUser: (userId, options) => app().sessions.revokeUser(userId, options),
  check: () => app().sessions.check(),
  count: () => app().sessions.count(),
  prune: () => app().sessions.prune(),
};

type Session = Parameters<AdapterApp["routes"][number]["handle"]>[0];

/** What the route at this path answers; null when there is none. */
export async function answer(request: Request, session: Session): Promise<AdapterReply | null> {
  const { pathname } = new URL(request.url);
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = app().routes.find((each) => each.path === pathname && each.method === method);
  return route === undefined ? null : await route.handle(session);
}
