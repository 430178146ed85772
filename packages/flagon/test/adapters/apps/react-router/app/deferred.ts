import { setTimeout } from "node:timers/promises";
import { sessionContext } from "flagon/react-router";
import { createElement, type ReactElement, Suspense } from "react";
import { Await, type LoaderFunctionArgs, useLoaderData } from "react-router";

export function loader({ context }: LoaderFunctionArgs): { late: Promise<string> } {
  return { late: setTimeout(20).then(() => `user: ${context.get(sessionContext).userId}`) };
}

export default function Page(): ReactElement {
  const { late } = useLoaderData<typeof loader>();
  const children = (text: string): ReactElement => createElement("p", null, text);
  const shown = createElement(Await<Promise<string>>, { resolve: late, children });
  return createElement(Suspense, { fallback: createElement("p", null, "waiting") }, shown);
}
