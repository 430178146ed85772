import { error, redirect } from "@sveltejs/kit";
import { type Handle, sequence } from "@sveltejs/kit/hooks";
import { session } from "flagon/sveltekit";
import { sessions } from "../../current.ts";
import { sharedAnswer } from "../../shared-answers.ts";

/** What many an app has behind its session: it sends strangers away, and tells them why. */
const guard: Handle = ({ event, resolve }) => {
  const { locals, url, cookies } = event;
  // Answers with what all requests share, as routes/shared does.
  if (url.pathname.startsWith("/shared-hook/")) return sharedAnswer(url.pathname, () => locals.session);
  if (url.pathname !== "/guarded") return resolve(event);
  cookies.set("own", "1", { path: "/" });
  const how = url.searchParams.get("how");
  if (how === "redirect") {
    locals.session.flash("saved");
    redirect(303, "/page");
  }
  if (how === "look") void locals.session.userId;
  if (how === "out") locals.session.logout();
  if (how === "crash") {
    locals.session.flash("saved");
    throw new Error("the guard fell over");
  }
  error(how === "look" ? 404 : 401, "not here");
};

export const handle: Handle = sequence(session(sessions), guard);
