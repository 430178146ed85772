import type { Session } from "../../../src/session.ts";

declare global {
  /** What is on the objects that the app under test shares, as text. */
  var flagonShared: (() => string) | undefined;
}

const headers = new Headers({ "x-own": "1" });
headers.append("set-cookie", "connect.sid=; Max-Age=0; Path=/");
headers.append("set-cookie", "old=; Max-Age=0; Path=/");
const init: ResponseInit = { status: 200, headers };
const toHome = new Response(null, { status: 302, headers: [["location", "http://127.0.0.1/home"], ...headers] });
const done = new Response(null, init);

globalThis.flagonShared = () =>
  JSON.stringify([...toHome.headers, ...done.headers, ...headers, ...Object.keys(init), String(init.status)]);

let users = 0;

/** The answer of `/…/how/in`, which signs a new user in, and of `/…/how/page`, which looks at nothing: one for all requests. */
export function sharedAnswer(path: string, session: () => Session): Response {
  const [act, how] = path.split("/").reverse();
  if (act === "in") session().login(`user-${++users}`);
  if (how === "thrown") throw toHome;
  if (how === "init") return new Response("made of what is shared", init);
  return how === "redirect" ? toHome : done;
}
