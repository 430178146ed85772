import { withSession } from "flagon/next";
// @ts-expect-error: found by Next itself, under a name that Node does not know
import { after } from "next/server";
import { sessions } from "../../../current.ts";

/** What is done once the answer is on its way. */
export const GET: (request: Request) => Promise<Response> = withSession(sessions, (session, _request: Request) => {
  after(() => globalThis.flagonLate?.(session.userId));
  return new Response("answered");
});
