import { session } from "flagon/react-router";
import { createElement, type ReactElement, type ReactNode } from "react";
import { type MiddlewareFunction, Outlet } from "react-router";
import { sessions } from "../../current.ts";

export const middleware: MiddlewareFunction<Response>[] = [session(sessions)];

export function Layout({ children }: { readonly children: ReactNode }): ReactElement {
  return createElement("html", { lang: "en" }, createElement("body", null, children));
}

export function ErrorBoundary(): ReactElement {
  return createElement("p", null, "our own error page");
}

export default function Root(): ReactElement {
  return createElement(Outlet);
}
