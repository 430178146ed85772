import { withSession } from "flagon/next";
import { all, kindOf } from "../../sessions.ts";

export async function POST(request: Request): Promise<Response> {
  return await withSession(all[kindOf(request.url)], (session, _request: Request) => {
    session.set("cart", "tea").login("ann");
    return new Response("signed in");
  })(request);
}
