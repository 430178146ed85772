import { setTimeout as sleep } from "node:timers/promises";
import { getSession } from "flagon/next";
import { createElement, type ReactElement, Suspense } from "react";
import { sessions } from "../../../current.ts";

export async function generateMetadata(): Promise<{ title: string }> {
  return { title: String((await getSession(sessions)).userId) };
}

async function Part({ afterMs }: { readonly afterMs: number }): Promise<ReactElement> {
  await sleep(afterMs);
  const session = await getSession(sessions);
  return createElement("b", null, `part: ${session.userId} with ${session.get("cart")}`);
}

export default function Page(): ReactElement {
  const parts = [0, 0, 0, 1, 10].map((afterMs, key) => createElement(Part, { afterMs, key }));
  const late = createElement(Suspense, { fallback: "waiting" }, createElement(Part, { afterMs: 50 }));
  return createElement("section", null, ...parts, late);
}
