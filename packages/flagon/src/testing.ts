import type { OpenRequest } from "./codec.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./sessions.ts";

export type {
  AdapterApp,
  AdapterReply,
  AdapterRoute,
  AdapterTraits,
  RunningAdapter,
  ServeAdapter,
  SharedReply,
} from "./testing/adapter/app.ts";
export { adapterConformance } from "./testing/adapter/conformance.ts";
export type { SharedHead } from "./testing/adapter/shared-head.ts";
export type { ConformanceCase } from "./testing/check.ts";
export { storeConformance } from "./testing/store/conformance.ts";
export type { MakeStore, StoreConditions, StoreConformanceOptions } from "./testing/store/fixture.ts";

/**
 * The `Cookie` header of a visitor who is signed in, for an app's own tests: no form to fill in, no password to hash.
 *
 * ```ts
 * const cookie = await signedInCookie(sessions, "42", { prepare: (session) => session.set("cart", ["tea"]) });
 * const response = await app.request("/cart", { headers: { cookie } });
 * ```
 *
 * `sessions` are the app's own. `url` is where the test asks (default "http://localhost/"): the cookie's name depends on it.
 * A fetch handler that is called without a server, in a process that sets no NODE_ENV, expects the cookie of an https address.
 */
export async function signedInCookie<Data extends object>(
  sessions: Sessions<Data>,
  userId: string | number,
  { url = "http://localhost/", prepare }: SignedInOptions<Data> = {},
): Promise<string> {
  const { host } = new URL(url);
  const header = (name: string): string | null => (name === "host" ? host : null);
  const request: OpenRequest = { method: "GET", url, header, address: "127.0.0.1", httpVersion: "1.1" };
  const session = await sessions.open(request);
  session.login(userId);
  prepare?.(session);
  const lines = await sessions.commit(session);
  const line = lines.find(([name]) => name.toLowerCase() === "set-cookie")?.[1];
  if (line === undefined) throw new TypeError("prepare has ended the session, so there is no cookie");
  return line.slice(0, line.indexOf(";"));
}

/** Where the test asks, and what the visitor has stored. */
export interface SignedInOptions<Data extends object> {
  readonly url?: string;
  /** Stores what the test needs in the session. */
  readonly prepare?: (session: Session<Data>) => void;
}
