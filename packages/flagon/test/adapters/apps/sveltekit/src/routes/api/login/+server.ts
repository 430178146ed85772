import type { RequestHandler } from "@sveltejs/kit";

export const POST: RequestHandler = ({ locals }) => {
  locals.session.login("ann");
  return new Response(null, { status: 204 });
};
