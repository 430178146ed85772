import { withSession } from "flagon/next";
import { sessions } from "../../../current.ts";
import { tasks } from "./tasks.ts";

async function run(request: Request): Promise<Response> {
  const task = tasks[new URL(request.url).searchParams.get("task") ?? ""];
  return Response.json((await task?.()) ?? null);
}

/** As Next runs an action: nobody around it has the session. */
export const POST: typeof run = run;

/** Inside a route handler's session. */
export const PUT: typeof run = withSession(sessions, (_session, request: Request) => run(request));
