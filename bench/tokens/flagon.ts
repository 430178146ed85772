import { createSessions, type OpenRequest, type Session, type Sessions } from "flagon";
import { type Contender, fresh, nextVisit } from "./contender.ts";

type Data = Record<string, unknown>;

/** Cold: every cookie is seen for the first time. Seen before: the visitor's second request in this process. */
export function flagon(data: Data, secret: string): Contender[] {
  return [
    contender("flagon, cold", createSessions<Data>({ secret, cache: 0 }), data),
    contender("flagon, seen before", createSessions<Data>({ secret }), data),
  ];
}

function contender(name: string, sessions: Sessions<Data>, data: Data): Contender {
  const open = (cookie?: string): Session<Data> => sessions.open(new Visitor(cookie)) as Session<Data>;
  const commit = (session: Session<Data>): string => {
    const lines = sessions.commit(session) as readonly (readonly [string, string])[];
    return lines[0]?.[1] ?? "";
  };
  const first = open();
  for (const key in data) first.set(key, data[key]);
  const cookie = commit(first).split(";")[0] ?? "";
  return {
    name,
    open: () => open(fresh(cookie)).get("name"),
    change: () => commit(open(fresh(cookie)).set("visits", nextVisit())),
    length: cookie.length - cookie.indexOf("=") - 1,
  };
}

class Visitor implements OpenRequest {
  readonly method = "GET";
  readonly url = "https://example.com/";
  readonly #cookie: string | undefined;

  constructor(cookie: string | undefined) {
    this.#cookie = cookie;
  }

  header(name: string): string | undefined {
    return name === "cookie" ? this.#cookie : undefined;
  }
}
