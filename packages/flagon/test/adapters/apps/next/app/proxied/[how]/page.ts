import { getSession } from "flagon/next";
import { createElement, type ReactElement } from "react";
import { sessions } from "../../../../current.ts";

export default async function Page(): Promise<ReactElement> {
  return createElement("p", null, `user: ${(await getSession(sessions)).userId}`);
}
