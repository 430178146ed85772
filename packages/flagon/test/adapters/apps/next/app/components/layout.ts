import { getSession } from "flagon/next";
import { createElement, type ReactElement, type ReactNode } from "react";
import { sessions } from "../../../current.ts";

export default async function Layout({ children }: { readonly children: ReactNode }): Promise<ReactElement> {
  const session = await getSession(sessions);
  return createElement("main", null, createElement("header", null, `layout: ${session.userId}`), children);
}
