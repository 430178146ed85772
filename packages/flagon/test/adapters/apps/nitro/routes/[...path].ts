import { defineHandler, HTTPError, redirect } from "h3";
import { streamOf, toResponse } from "../../../reply.ts";
import { answer } from "../../current.ts";

export default defineHandler(async (event) => {
  const reply = await answer(event.req, event.context.session);
  if (reply === null) throw HTTPError.status(404);
  if (reply.kind === "shared") return toResponse(reply);
  if (reply.kind === "redirect") return redirect(reply.location);
  if (reply.kind === "stream") return streamOf(reply.chunks);
  if (reply.kind === "empty") {
    event.res.status = reply.status;
    return null;
  }
  for (const [name, value] of reply.headers ?? []) event.res.headers.append(name, value);
  event.res.status = reply.status ?? 200;
  return reply.body;
});
