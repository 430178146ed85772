import { withSession } from "flagon/next";
// @ts-expect-error: found by Next itself, under a name that Node does not know
import { notFound, permanentRedirect, redirect } from "next/navigation";
import { toResponse } from "../../../../reply.ts";
import { answer, sessions } from "../../../current.ts";

const handle: (request: Request) => Promise<Response> = withSession(sessions, async (session, request: Request) => {
  const reply = await answer(request, session);
  if (reply === null) return new Response("nowhere", { status: 404 });
  if (reply.kind === "redirect") (reply.location.startsWith("/moved") ? permanentRedirect : redirect)(reply.location);
  if (reply.kind === "text" && reply.status === 404) notFound();
  return toResponse(reply);
});

export { handle as GET, handle as POST };
