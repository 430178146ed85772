import type { RequestHandler } from "@sveltejs/kit";

export const GET: RequestHandler = ({ locals }) =>
  Response.json({ user: locals.session.userId, isNew: locals.session.isNew });
