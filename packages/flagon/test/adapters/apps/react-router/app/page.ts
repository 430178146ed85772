import { sessionContext } from "flagon/react-router";
import { createElement, type ReactElement } from "react";
import { type ActionFunctionArgs, type LoaderFunctionArgs, redirect, useLoaderData } from "react-router";

export function loader({ context }: LoaderFunctionArgs): string[] {
  return context
    .get(sessionContext)
    .flashes()
    .map(({ message }) => message);
}

export function action({ context }: ActionFunctionArgs): never {
  context.get(sessionContext).flash("saved");
  throw redirect("/page", { headers: { "set-cookie": "own=1" } });
}

export default function Page(): ReactElement {
  return createElement("p", null, `messages: ${useLoaderData<typeof loader>().join(", ")}`);
}
