import { createSessions, type OpenRequest, type Session, type Sessions } from "flagon";
import { type Contender, fresh } from "./contender.ts";

type Data = Record<string, unknown>;

/** Cold: every cookie is seen for the first time. Seen before: the visitor's second request in this process. */
export function flagon(data: Data, secret: string): Contender[] {
  return [
    contender("flagon, cold", createSessions<Data>({ secret, cache: 0 }), data),
    contender("flagon, seen before", createSessions<Data>({ secret }), data),
  ];
}

function contender(name: string, sessions: Sessions<Data>, data: Data): Contender {
  const seal = (): string => {
    const session = sessions.open(new Visitor(undefined)) as Session<Data>;
    for (const key in data) session.set(key, data[key]);
    const lines = sessions.commit(session) as readonly (readonly [string, string])[];
    return lines[0]?.[1] ?? "";
  };
  const cookie = seal().split(";")[0] ?? "";
  return {
    name,
    open: () => (sessions.open(new Visitor(fresh(cookie))) as Session<Data>).get("name"),
    seal,
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
