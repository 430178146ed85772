import type { RegisteredData } from "../../register.ts";
import type { Session } from "../../session.ts";

/** The last of a request's sessions to be opened, and through it those before. */
interface Opened {
  readonly sessions: object;
  readonly session: unknown;
  readonly before: Opened | undefined;
}

// On the request itself: a WeakMap with an entry for each request costs more than all the rest of it.
const opened: unique symbol = Symbol("flagon.opened");

/**
 * The session that these sessions have opened for this request already; undefined when they have not. An adapter that is
 * mounted twice, on the app and on a router, must neither open nor commit twice: the later commit would take back what the
 * other saved. Others may be mounted in between, so all of them are remembered.
 */
export function findOpened<Data extends object = RegisteredData>(
  request: object,
  sessions: object,
): Session<Data> | undefined {
  const marked: { [opened]?: Opened } = request;
  let entry = marked[opened];
  while (entry !== undefined && entry.sessions !== sessions) entry = entry.before;
  return entry?.session as Session<Data> | undefined;
}

/** Remembers it for {@link findOpened}. */
export function markOpened<Data extends object>(request: object, sessions: object, session: Session<Data>): void {
  const marked: { [opened]?: Opened } = request;
  marked[opened] = { sessions, session, before: marked[opened] };
}

/** Forgets it when the answer is made, where an app may hand the same request object in once more. */
export function forgetOpened(request: object, sessions: object): void {
  const marked: { [opened]?: Opened | undefined } = request;
  const last = marked[opened];
  if (last?.sessions === sessions) marked[opened] = last.before;
}
