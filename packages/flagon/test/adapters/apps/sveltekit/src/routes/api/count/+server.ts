import type { RequestHandler } from "@sveltejs/kit";

export const GET: RequestHandler = ({ locals }) =>
  new Response(String(locals.session.update("count", (count) => Number(count ?? 0) + 1)));
