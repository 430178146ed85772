import { type RequestEvent, redirect } from "@sveltejs/kit";

export const load = async ({ locals, fetch, url }: RequestEvent): Promise<{ text: string }> => {
  const init: RequestInit = {};
  if (url.searchParams.has("stranger")) init.credentials = "omit";
  if (url.searchParams.has("other")) init.headers = { cookie: url.searchParams.get("other") as string };
  const count = await (await fetch("/api/count", init)).text();
  const me = await (await fetch("/api/me", init)).text();
  return { text: `count: ${count}, fetched: ${me}, own: ${locals.session.userId} ${locals.session.get("count")}` };
};

export const actions = {
  default: async ({ locals, fetch }: RequestEvent): Promise<never> => {
    await fetch("/api/login", { method: "POST" });
    locals.session.flash("welcome");
    redirect(303, "/page");
  },
};
