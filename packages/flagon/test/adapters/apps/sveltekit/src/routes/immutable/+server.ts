import type { RequestHandler } from "@sveltejs/kit";

export const GET: RequestHandler = ({ locals }) => {
  locals.session.set("seen", true);
  return Response.redirect("http://127.0.0.1/elsewhere");
};
