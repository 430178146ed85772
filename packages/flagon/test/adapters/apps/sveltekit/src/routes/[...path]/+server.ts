import { error, type RequestHandler, redirect } from "@sveltejs/kit";
import { toResponse } from "../../../../../reply.ts";
import { answer } from "../../../../current.ts";

const handle: RequestHandler = async ({ request, locals }) => {
  const reply = await answer(request, locals.session);
  if (reply === null) error(404);
  if (reply.kind === "redirect") redirect(302, reply.location);
  return toResponse(reply);
};

export { handle as GET, handle as POST };
