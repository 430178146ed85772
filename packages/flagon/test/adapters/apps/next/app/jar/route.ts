import { getSession, withSession } from "flagon/next";
import { cookies } from "next/headers.js";
import { sessions } from "../../../current.ts";

/** Sets the cookies that it is asked for, and looks at the session after each. */
export async function POST(request: Request): Promise<Response> {
  const looks = [(await getSession(sessions)).userId];
  for (const [name, value] of new URL(request.url).searchParams) {
    (await cookies()).set(name, value);
    looks.push(await withSession(sessions, (session) => session.userId)());
  }
  return Response.json(looks);
}
