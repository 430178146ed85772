import { type RequestHandler, redirect } from "@sveltejs/kit";
import { sharedAnswer } from "../../../../../../shared-answers.ts";

const toHome = caught(() => redirect(302, "/home"));

/** Answers with what all requests share, SvelteKit's own redirect too. */
export const GET: RequestHandler = ({ url, locals }) => {
  const answer = sharedAnswer(url.pathname.replace("/thrown/", "/redirect/"), () => locals.session);
  if (url.pathname.includes("/own/")) throw toHome;
  return answer;
};

function caught(act: () => void): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
