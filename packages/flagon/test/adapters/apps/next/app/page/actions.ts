"use server";

import { withSession } from "flagon/next";
import { cookies } from "next/headers.js";
// @ts-expect-error: found by Next itself, under a name that Node does not know
import { redirect } from "next/navigation";
import { sessions } from "../../../current.ts";

export const save: (form: FormData) => Promise<void> = withSession(sessions, async (session, form: FormData) => {
  session.set("name", String(form.get("name")));
  session.flash("saved");
  (await cookies()).set("own", "1");
  if (form.get("name") === "redirect") redirect("/page?saved");
});
