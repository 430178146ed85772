import { getSession } from "flagon/next";
import { createElement, type ReactElement } from "react";
import { sessions } from "../../../current.ts";
import { tasks } from "../nested/tasks.ts";
import { runTask } from "./actions.ts";

interface Props {
  readonly searchParams: Promise<{ readonly task?: string }>;
}

/** Shows what its session holds, or what became of a task that it tried to run itself. */
export default async function Page({ searchParams }: Props): Promise<ReactElement> {
  const task = tasks[(await searchParams).task ?? ""];
  const text =
    task === undefined ? (await getSession(sessions)).keys().sort().join() : String(await task().catch(String));
  const input = createElement("input", { name: "name" });
  return createElement("main", null, createElement("p", null, text), createElement("form", { action: runTask }, input));
}
