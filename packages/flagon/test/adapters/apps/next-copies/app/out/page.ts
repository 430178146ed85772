import { createElement, type ReactElement } from "react";
import { signOut } from "./actions.ts";

export default function Page(): ReactElement {
  return createElement("form", { action: signOut }, createElement("input", { name: "name" }));
}
