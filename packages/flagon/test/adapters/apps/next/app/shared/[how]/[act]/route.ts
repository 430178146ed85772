import { withSession } from "flagon/next";
// @ts-expect-error: found by Next itself, under a name that Node does not know
import { redirect } from "next/navigation";
import { NextResponse } from "next/server.js";
import { sessions } from "../../../../../current.ts";
import { sharedAnswer } from "../../../../../shared-answers.ts";

const next = NextResponse.redirect("http://127.0.0.1/home");
const navigation = caught(() => redirect("/home"));

/** Answers with what all requests share, Next's own kinds too. */
export const GET: (request: Request) => Promise<Response> = withSession(sessions, (session, request: Request) => {
  const { pathname } = new URL(request.url);
  const answer = sharedAnswer(pathname.replace("/thrown/", "/redirect/"), () => session);
  if (pathname.includes("/next/")) return next;
  if (pathname.includes("/navigation/")) throw navigation;
  return answer;
});

function caught(act: () => void): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
