import { type RequestEvent, redirect } from "@sveltejs/kit";

export const load = ({ locals }: RequestEvent): { messages: string[] } => ({
  messages: locals.session.flashes().map(({ message }) => message),
});

export const actions = {
  default: ({ locals, cookies }: RequestEvent): never => {
    cookies.set("own", "1", { path: "/" });
    locals.session.flash("saved");
    redirect(303, "/page");
  },
};
