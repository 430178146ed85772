"use server";

import { withSession } from "flagon/next";
import { all, type Kind } from "../../sessions.ts";

export async function signOut(form: FormData): Promise<void> {
  await withSession(all[form.get("name") as Kind], (session) => session.logout())();
}
