import { getSession } from "flagon/next";
import { all, copy, kindOf } from "../../sessions.ts";

export async function GET(request: Request): Promise<Response> {
  const { userId } = await getSession(all[kindOf(request.url)]);
  return Response.json({ userId, copy });
}
