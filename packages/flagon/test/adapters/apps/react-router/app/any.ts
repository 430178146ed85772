import { sessionContext } from "flagon/react-router";
import { type LoaderFunctionArgs, redirect } from "react-router";
import { toResponse } from "../../../reply.ts";
import { answer } from "../../current.ts";

export async function loader({ request, context }: LoaderFunctionArgs): Promise<Response> {
  const reply = await answer(request, context.get(sessionContext));
  if (reply === null) return new Response("nowhere", { status: 404 });
  if (reply.kind === "redirect") throw redirect(reply.location);
  return toResponse(reply);
}

export const action: typeof loader = (args) => loader(args);
