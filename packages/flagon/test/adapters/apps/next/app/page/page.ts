import { getSession } from "flagon/next";
import { createElement, type ReactElement } from "react";
import { sessions } from "../../../current.ts";
import { save } from "./actions.ts";

export default async function Page(): Promise<ReactElement> {
  const session = await getSession(sessions);
  const messages = session.flashes().length + session.flashes().length;
  const text = `name: ${session.get("name") ?? "none"}, messages: ${messages}, change: ${tryToChange(session)}`;
  const input = createElement("input", { name: "name" });
  return createElement("main", null, createElement("p", null, text), createElement("form", { action: save }, input));
}

function tryToChange(session: object): string {
  try {
    (session as { set(key: string, value: string): void }).set("name", "changed");
    return "done";
  } catch (error) {
    return (error as Error).name;
  }
}
